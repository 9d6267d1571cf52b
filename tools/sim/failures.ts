import type { WorldResult } from './seeds-worker.ts';

const SHOWN_WHOLE = 3;
const VIOLATIONS_SHOWN = 3;

/** What was violated in which seeds, and the lines that replay them: the first few whole, then all by kind. */
export function failuresText(failed: readonly WorldResult[], optionsGiven: string): string {
  const bySeed = failed.toSorted((a, b) => a.seed - b.seed);
  const whole = bySeed.slice(0, SHOWN_WHOLE).map((result) => failureText(result, optionsGiven));
  if (failed.length === 1) return whole.join('');
  const kinds = Map.groupBy(bySeed, ({ world, violations }) => `${world}: ${kindOf(violations[0])}`);
  const lines = [...kinds].map(([kind, results]) => `  ${kind}: seed ${results.map(({ seed }) => seed).join(', ')}\n`);
  return `${whole.join('')}${failed.length} seeds have violations, by the first of each:\n${lines.join('')}`;
}

function failureText({ seed, world, violations, drawn }: WorldResult, optionsGiven: string): string {
  const shown = violations.slice(0, VIOLATIONS_SHOWN).map((violation) => `  ${violation}\n`);
  const left = violations.length - shown.length;
  return [
    `seed ${seed} of the ${world} world (${drawn}):\n`,
    ...shown,
    left > 0 ? `  and ${left} more\n` : '',
    `replay: npm run sim -- --seed ${seed} --world ${world}${optionsGiven} --trace\n`,
  ].join('');
}

/** A violation without what differs from seed to seed: the first line, with no names of ticks and no numbers. */
export function kindOf(violation: string): string {
  return violation
    .split('\n')[0]
    .replaceAll(/\b(trades|quotes)(\/[^\s/:,]*)+/g, 'a tick')
    .replaceAll(/[\w.-]+\/\d+/g, 'a partition')
    .replaceAll(/\d+/g, 'n');
}
