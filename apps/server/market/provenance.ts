import { alterationJson, type Completeness, type KnownGaps, type MissingTicks } from '@k2/domain/lake';
import { printTimeUs } from '@k2/domain/market';
import type { Provenance } from '@k2/usecases';

/** Longest K2-Completeness header; of more gaps than fit it lists the first. */
const HEADER_LENGTH_MAX = 4_096;
const GAPS_KEY_LENGTH = ',"gaps":[]'.length;

/** Completeness as answers carry it: times are ISO 8601. */
export function completenessJson(completeness: Completeness): object {
  return judgementJson(completeness, (_, gaps) => gaps.map(gapJson));
}

/** `listed`: of the gaps, those that go beside what is said before them. */
function judgementJson(
  completeness: Completeness,
  listed: (before: object, gaps: KnownGaps['gaps']) => readonly object[],
): object {
  if (completeness.status === 'complete' || completeness.status === 'unverifiable') return completeness;
  const { status, gaps, gapCount, missingTicks } = completeness;
  const removed =
    completeness.status === 'removed'
      ? { removedRows: completeness.removedRows, removals: completeness.removals.map(alterationJson) }
      : {};
  const before = { status, ...removed, gapCount, missingTicks };
  return { ...before, gaps: listed(before, gaps) };
}

/** K2-Completeness and K2-Snapshot-Id. */
export function provenanceHeaders({
  completeness,
  snapshotId,
}: Pick<Provenance, 'completeness' | 'snapshotId'>): Record<string, string> {
  return {
    'k2-completeness': asciiJson(headerValue(completeness)),
    ...(snapshotId !== null && { 'k2-snapshot-id': String(snapshotId) }),
  };
}

function headerValue(completeness: Completeness): object {
  return judgementJson(completeness, (before, gaps) => {
    const listed: object[] = [];
    let length = asciiJson(before).length + GAPS_KEY_LENGTH;
    for (const gap of gaps) {
      const shown = gapJson(gap);
      length += asciiJson(shown).length + 1;
      if (length > HEADER_LENGTH_MAX) break;
      listed.push(shown);
    }
    return listed;
  });
}

function gapJson({ exchange, symbol, session, sequenceFrom, sequenceTo, fromTimeUs, toTimeUs }: MissingTicks): object {
  const times = { fromTime: printTimeUs(fromTimeUs), toTime: printTimeUs(toTimeUs) };
  return { exchange, symbol, session, sequenceFrom, sequenceTo, ...times };
}

/** Header values are ASCII. */
function asciiJson(value: object): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
