import type { Completeness, MissingTicks } from '@k2/domain/lake';
import { printTimeUs } from '@k2/domain/market';
import type { Provenance } from '@k2/usecases';

/** Longest K2-Completeness header; of more gaps than fit it lists the first. */
const HEADER_LENGTH_MAX = 4_096;

/** Completeness as answers carry it: times are ISO 8601. */
export function completenessJson(completeness: Completeness): object {
  if (completeness.status !== 'gaps') return completeness;
  const { status, gaps, gapCount, missingTicks } = completeness;
  return { status, gapCount, missingTicks, gaps: gaps.map(gapJson) };
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
  if (completeness.status !== 'gaps') return completeness;
  const { status, gapCount, missingTicks } = completeness;
  const listed: object[] = [];
  let length = 0;
  for (const gap of completeness.gaps) {
    const shown = gapJson(gap);
    length += asciiJson(shown).length + 1;
    if (length > HEADER_LENGTH_MAX - 200) break;
    listed.push(shown);
  }
  return { status, gapCount, missingTicks, gaps: listed };
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
