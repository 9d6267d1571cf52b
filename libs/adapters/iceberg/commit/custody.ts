import { mergedAlterations, type Alteration } from '@k2/domain/lake';
import type { Snapshot, TableMetadata } from '../format/metadata.ts';
import { PROGRESS_PROPERTY } from './snapshot-summary.ts';

/**
 * What K2 writes into a table so that it can tell later whether the rows it committed are still there. Every snapshot of
 * K2 has the alterations known then in its summary, and the table the last of these snapshots in a property: another
 * engine's commit carries properties on, a return to an earlier snapshot leaves them, and so does expiry.
 */
export interface LastCommit {
  /** Null: there is none of K2, and something is on the record nevertheless. */
  readonly snapshotId: bigint | null;
  readonly rowCount: number;
  readonly alterations: readonly Alteration[];
}

const ALTERATIONS_PROPERTY = 'k2.alterations';
const LAST_COMMIT_PROPERTY = 'k2.last-commit';

/** Snapshots of K2 say how far the log is in the table; no other engine does. */
export function isOwn({ summary }: Snapshot): boolean {
  return summary[PROGRESS_PROPERTY] !== undefined;
}

/** For a snapshot's summary; nothing where nothing was altered. */
export function alterationsSummary(alterations: readonly Alteration[]): Readonly<Record<string, string>> {
  return alterations.length === 0 ? {} : { [ALTERATIONS_PROPERTY]: JSON.stringify(alterations, printId) };
}

/** As known when the snapshot was committed. */
export function recordedAlterations({ summary }: Snapshot): readonly Alteration[] {
  const text = summary[ALTERATIONS_PROPERTY];
  return text === undefined ? [] : (JSON.parse(text, reviveId) as readonly Alteration[]);
}

export function withLastCommit(
  properties: TableMetadata['properties'],
  { snapshotId, rowCount, alterations }: LastCommit,
): TableMetadata['properties'] {
  return { ...properties, [LAST_COMMIT_PROPERTY]: JSON.stringify({ snapshotId, rowCount, alterations }, printId) };
}

/** Null: K2 has committed nothing to the table yet. */
export function lastCommit({ properties }: TableMetadata): LastCommit | null {
  const text = properties[LAST_COMMIT_PROPERTY];
  return text === undefined ? null : (JSON.parse(text, reviveId) as LastCommit);
}

/** The alterations of a table, with those of a change added to it. */
export function alterationsAfter(known: readonly Alteration[], added: readonly Alteration[]): readonly Alteration[] {
  return added.length === 0 ? known : mergedAlterations([...known, ...added]);
}

function printId(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

function reviveId(key: string, value: unknown): unknown {
  return key === 'snapshotId' && value !== null ? BigInt(value as string) : value;
}
