import { printTimeUs } from '../market/index.ts';

/**
 * A change of a table's rows that is no recording of ticks. `retention`: K2 dropped them, as it was told to.
 * `other-engine`: a snapshot that K2 did not commit, or a return to an earlier one, took rows out or put some in.
 */
export interface Alteration {
  readonly cause: 'retention' | 'other-engine';
  /** The rows' exchange; null: any. */
  readonly exchange: string | null;
  /** The rows' times lie in the half-open `[fromUs, toUs)`; null: unbounded. */
  readonly fromUs: number | null;
  readonly toUs: number | null;
  readonly removedRows: number;
  readonly addedRows: number;
  /** The snapshot that changed them, the last one of several; null: none did, the table was emptied or made anew. */
  readonly snapshotId: bigint | null;
  readonly committedUs: number;
  /** Iceberg's name of what it did (`delete`, `overwrite`, …), `rollback` or `drop`. */
  readonly operation: string;
}

/** What of a table an answer is about. */
export interface AlterationScope {
  readonly exchange?: string;
  readonly fromUs?: number;
  readonly toUs?: number;
}

/** Alterations kept of one table; see `mergedAlterations`. */
export const ALTERATIONS_MAX = 16;

/**
 * As few alterations as say the same of every answer. What retention dropped of an exchange is one stretch of time,
 * however many days it took. More than `ALTERATIONS_MAX` of other engines are put together, first by exchange and then
 * all: they then cover more than was changed, never less.
 */
export function mergedAlterations(alterations: readonly Alteration[]): readonly Alteration[] {
  const byKey = (keyOf: (one: Alteration) => string) => merged(alterations, keyOf);
  const keyOfPlace = ({ exchange, fromUs, toUs }: Alteration) => JSON.stringify([exchange, fromUs, toUs]);
  const keyOfExchange = ({ exchange }: Alteration) => JSON.stringify([exchange]);
  const exact = byKey((one) => one.cause + (one.cause === 'retention' ? keyOfExchange(one) : keyOfPlace(one)));
  if (exact.length <= ALTERATIONS_MAX) return exact;
  const byExchange = byKey((one) => one.cause + keyOfExchange(one));
  return byExchange.length <= ALTERATIONS_MAX ? byExchange : byKey((one) => one.cause);
}

function merged(alterations: readonly Alteration[], keyOf: (one: Alteration) => string): readonly Alteration[] {
  return [...Map.groupBy(alterations, keyOf).values()].map((group) => group.reduce(hull));
}

function hull(a: Alteration, b: Alteration): Alteration {
  const newest = b.committedUs >= a.committedUs ? b : a;
  const bound = (of: (x: number, y: number) => number, x: number | null, y: number | null) =>
    x === null || y === null ? null : of(x, y);
  return {
    ...newest,
    exchange: a.exchange === b.exchange ? a.exchange : null,
    fromUs: bound(Math.min, a.fromUs, b.fromUs),
    toUs: bound(Math.max, a.toUs, b.toUs),
    removedRows: a.removedRows + b.removedRows,
    addedRows: a.addedRows + b.addedRows,
  };
}

/** Whether rows of the scope may be among those that were changed. */
export function concerns(alteration: Alteration, scope: AlterationScope): boolean {
  const { exchange, fromUs, toUs } = alteration;
  return (
    (exchange === null || scope.exchange === undefined || exchange === scope.exchange) &&
    (toUs === null || scope.fromUs === undefined || toUs > scope.fromUs) &&
    (fromUs === null || scope.toUs === undefined || fromUs < scope.toUs)
  );
}

/** `retention removed 17866 rows of SIMX from 2026-01-05T00:00:00.000Z to 2026-01-06T00:00:00.000Z`. */
export function describeAlteration(alteration: Alteration): string {
  return describeAlterationJson(alterationJson(alteration));
}

export function describeAlterationJson(alteration: AlterationJson): string {
  const { cause, exchange, fromTime, toTime, removedRows, addedRows, snapshotId, operation } = alteration;
  const other =
    snapshotId === null
      ? `a ${operation} by another engine`
      : `snapshot ${snapshotId} (${operation}), which K2 did not commit,`;
  const who = cause === 'retention' ? 'retention' : other;
  const counts = [
    ...(removedRows > 0 ? [`removed ${removedRows}`] : []),
    ...(addedRows > 0 ? [`added ${addedRows}`] : []),
  ];
  const did = counts.length === 0 ? 'changed' : counts.join(' and ');
  const of = exchange === null ? '' : ` of ${exchange}`;
  const bounds = [...(fromTime === null ? [] : [`from ${fromTime}`]), ...(toTime === null ? [] : [`to ${toTime}`])];
  return [`${who} ${did} rows${of}`, ...bounds].join(' ');
}

/** As API and CLI say it. */
export interface AlterationJson {
  readonly cause: Alteration['cause'];
  readonly exchange: string | null;
  readonly fromTime: string | null;
  readonly toTime: string | null;
  readonly removedRows: number;
  readonly addedRows: number;
  readonly snapshotId: string | null;
  readonly committedTime: string;
  readonly operation: string;
}

export function alterationJson({ fromUs, toUs, snapshotId, committedUs, ...rest }: Alteration): AlterationJson {
  const time = (us: number | null) => (us === null ? null : printTimeUs(us));
  return {
    ...rest,
    fromTime: time(fromUs),
    toTime: time(toUs),
    snapshotId: snapshotId === null ? null : String(snapshotId),
    committedTime: printTimeUs(committedUs),
  };
}
