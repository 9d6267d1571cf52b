import type { AlterationJson } from '@k2/domain/lake';
import { parseTimeUs, type TableName } from '@k2/domain/market';
import { count } from '../output/describe-provenance.ts';
import type { JsonRow } from '../session/session.ts';
import type { CheckResult } from './check-result.ts';

/** What changed a table's rows, as a snapshot lists it. */
interface ListedAlteration {
  readonly cause: AlterationJson['cause'];
  readonly exchange: string | null;
  readonly timestamp_from: string | null;
  readonly timestamp_to: string | null;
  readonly removed_rows: number;
  readonly added_rows: number;
  readonly snapshot_id: string | null;
  readonly operation: string;
}

/**
 * Whether every row that K2 committed is there, but for those that retention dropped, and no other. Files without a digest
 * are no fault, and are told of; null: not known.
 */
export function checkAlterations(
  table: TableName,
  snapshot: JsonRow | undefined,
  uncheckedFiles: number | null,
): CheckResult {
  const alterations = alterationsIn(snapshot);
  const others = alterations.filter(({ cause }) => cause === 'other-engine');
  const dropped = alterations.filter(({ cause }) => cause === 'retention');
  const changes = [...others, ...dropped].map(described);
  const facts = changes.length === 0 ? ['no other engine changed them'] : changes;
  const detail = [...facts, ...describeUnchecked(uncheckedFiles)].join('; ');
  return { check: 'rows are those committed', table, ok: others.length === 0, detail };
}

function describeUnchecked(files: number | null): readonly string[] {
  if (files === null) return ['files without a digest are not counted: the server has not inspected the table'];
  return files === 0 ? [] : [`${count(files, 'file')} without a digest, read unchecked`];
}

/** Until when retention dropped the rows of an exchange; null where it dropped none. */
export function droppedUntilUs(snapshot: JsonRow | undefined, exchange: string): number | null {
  const ends = alterationsIn(snapshot)
    .filter((one) => one.cause === 'retention' && (one.exchange === null || one.exchange === exchange))
    .map((one) => (one.timestamp_to === null ? Infinity : parseTimeUs(one.timestamp_to)));
  return ends.length === 0 ? null : Math.max(...ends);
}

function alterationsIn(snapshot: JsonRow | undefined): readonly ListedAlteration[] {
  // Older servers have no such field.
  return (snapshot?.['alterations'] ?? []) as unknown as readonly ListedAlteration[];
}

function described(alteration: ListedAlteration): string {
  const { cause, exchange, timestamp_from: from, timestamp_to: to, operation } = alteration;
  const who =
    cause === 'retention' ? 'retention' : `${operation} of another engine (snapshot ${alteration.snapshot_id})`;
  const did = [
    ...(alteration.removed_rows > 0 ? [`removed ${alteration.removed_rows}`] : []),
    ...(alteration.added_rows > 0 ? [`added ${alteration.added_rows}`] : []),
  ];
  const of = exchange === null ? '' : ` of ${exchange}`;
  const times = [...(from === null ? [] : [`from ${from}`]), ...(to === null ? [] : [`to ${to}`])];
  return [`${who} ${did.join(' and ') || 'changed'} rows${of}`, ...times].join(' ');
}
