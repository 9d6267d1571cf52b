import type { AnswerProvenance, CompletenessJson } from '../session/session.ts';

const GAPS_NAMED = 3;

/** One line under a table: `complete · snapshot 8123…`. */
export function describeProvenance({ completeness, snapshotId }: AnswerProvenance): string {
  const snapshot = snapshotId === null ? 'nothing committed yet' : `snapshot ${snapshotId}`;
  return `${describeCompleteness(completeness)} · ${snapshot}`;
}

export function describeCompleteness(completeness: CompletenessJson): string {
  switch (completeness.status) {
    case 'complete':
      return 'complete: every tick that the venue numbered is here';
    case 'unverifiable':
      return `completeness unverifiable: ${completeness.reason}`;
    case 'gaps': {
      const { gaps, gapCount, missingTicks } = completeness;
      const named = gaps.slice(0, GAPS_NAMED).map(({ exchange, symbol, session, sequenceFrom, sequenceTo }) => {
        const range = sequenceFrom === sequenceTo ? `${sequenceFrom}` : `${sequenceFrom}–${sequenceTo}`;
        return `${exchange} ${symbol}${session === '' ? '' : ` ${session}`} ${range}`;
      });
      const more = gapCount > GAPS_NAMED ? ', … (k2 gaps lists them)' : '';
      return `incomplete: ${count(missingTicks, 'tick')} missing in ${count(gapCount, 'gap')}: ${named.join(', ')}${more}`;
    }
  }
}

/** `1 tick`, `91,874 ticks`. */
export function count(number: number, noun: string): string {
  return `${printCount(number)} ${noun}${number === 1 ? '' : 's'}`;
}

export function printCount(number: number): string {
  return number.toLocaleString('en-US');
}
