import type { AlterationJson } from '@k2/domain/lake';
import type { AnswerProvenance, CompletenessJson, KnownGapsJson } from '../session/session.ts';

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
    case 'gaps':
      return `incomplete: ${describeGaps(completeness)}`;
    case 'removed': {
      const removed = completeness.removals.map(describeRemoval).join(', ');
      const gaps = completeness.gapCount === 0 ? '' : `; besides, ${describeGaps(completeness)}`;
      return `incomplete: retention removed ${removed}${gaps}`;
    }
  }
}

function describeGaps({ gaps, gapCount, missingTicks }: KnownGapsJson): string {
  const named = gaps.slice(0, GAPS_NAMED).map(({ exchange, symbol, session, sequenceFrom, sequenceTo }) => {
    const range = sequenceFrom === sequenceTo ? `${sequenceFrom}` : `${sequenceFrom}–${sequenceTo}`;
    return `${exchange} ${symbol}${session === '' ? '' : ` ${session}`} ${range}`;
  });
  const more = gapCount > GAPS_NAMED ? ', … (k2 gaps lists them)' : '';
  return `${count(missingTicks, 'tick')} missing in ${count(gapCount, 'gap')}: ${named.join(', ')}${more}`;
}

/** Partitions are whole days. */
function describeRemoval({ exchange, fromTime, toTime, removedRows }: AlterationJson): string {
  const times = [
    ...(fromTime === null ? [] : [`from ${fromTime.slice(0, 10)}`]),
    ...(toTime === null ? [] : [`until ${toTime.slice(0, 10)}`]),
  ];
  return [`${count(removedRows, 'row')}`, ...(exchange === null ? [] : [`of ${exchange}`]), ...times].join(' ');
}

/** `1 tick`, `91,874 ticks`. */
export function count(number: number, noun: string): string {
  return `${printCount(number)} ${noun}${number === 1 ? '' : 's'}`;
}

export function printCount(number: number): string {
  return number.toLocaleString('en-US');
}
