import { keptSnapshots, type SnapshotRetention } from '@k2/domain/lake';
import { lastCommit } from '../commit/custody.ts';
import { PROGRESS_PROPERTY } from '../commit/snapshot-summary.ts';
import { currentUntilMs } from '../format/current-until.ts';
import { MAIN_BRANCH, type Snapshot, type TableMetadata } from '../format/metadata.ts';
import { snapshotHistory } from './snapshot-history.ts';

export interface RetentionTime {
  readonly nowMs: number;
  /** A snapshot stays this long after it was current. */
  readonly graceMs: number;
}

/** Ids of a table's snapshots that stay. `lake`: all tables, this one among them. */
export function retainedSnapshots(
  metadata: TableMetadata,
  lake: readonly TableMetadata[],
  retention: SnapshotRetention,
  time: RetentionTime,
): ReadonlySet<bigint> {
  const { main, branches, others } = snapshotHistory(metadata);
  const ownMinimum = metadata.refs[MAIN_BRANCH]?.['min-snapshots-to-keep'] ?? 1;
  const keepNewest = Math.max(retention.keepNewest, ownMinimum);
  const instants = lake.flatMap((table) => keptOf(snapshotHistory(table).main, retention, time));
  return new Set(
    [
      ...keptOf(main, { ...retention, keepNewest }, time),
      ...currentAt(main, instants.map(timestampMs)),
      ...recentlyCurrent(main, time),
      // Offsets are to be found in the lake alone, also where the newest snapshots are of other engines.
      ...main.filter(({ summary }) => summary[PROGRESS_PROPERTY] !== undefined).slice(-1),
      ...keptOf(others, retention, time),
      ...branches,
      ...metadata.snapshots.filter((snapshot) => isNamed(snapshot, metadata)),
    ].map((snapshot) => snapshot['snapshot-id']),
  );
}

/** Of rising snapshots. */
function keptOf(snapshots: readonly Snapshot[], retention: SnapshotRetention, { nowMs }: RetentionTime) {
  const times = snapshots.map((snapshot) => timestampMs(snapshot) * 1_000);
  return [...keptSnapshots(times, retention, nowMs * 1_000)].map((index) => snapshots[index]);
}

/** Those that were current at an instant which another table keeps: an answer about it reads all tables as of then. */
function currentAt(main: readonly Snapshot[], instantsMs: readonly number[]): readonly Snapshot[] {
  const rising = instantsMs.toSorted((a, b) => a - b);
  const current = new Set<Snapshot>();
  let next = 0;
  for (const instantMs of rising) {
    while (next < main.length && timestampMs(main[next]) <= instantMs) next++;
    if (next > 0) current.add(main[next - 1]);
  }
  return [...current];
}

/** Whoever planned a scan of the newest rows may still be reading what was the newest then. */
function recentlyCurrent(main: readonly Snapshot[], { nowMs, graceMs }: RetentionTime): readonly Snapshot[] {
  return main.filter((snapshot, index) => {
    const next = main[index + 1];
    const untilMs = currentUntilMs(snapshot) ?? (next === undefined ? Infinity : timestampMs(next));
    return untilMs > nowMs - graceMs;
  });
}

function isNamed({ 'snapshot-id': id }: Snapshot, metadata: TableMetadata): boolean {
  return (
    id === metadata['current-snapshot-id'] ||
    // What the table was returned from tells what it lost by that.
    id === lastCommit(metadata)?.snapshotId ||
    Object.values(metadata.refs).some((ref) => ref['snapshot-id'] === id)
  );
}

function timestampMs(snapshot: Snapshot): number {
  return snapshot['timestamp-ms'];
}
