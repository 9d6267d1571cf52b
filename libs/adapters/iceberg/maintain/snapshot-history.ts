import { currentUntilMs } from '../format/current-until.ts';
import { MAIN_BRANCH, snapshotById, type Snapshot, type TableMetadata } from '../format/metadata.ts';

/** The snapshots of a table by whose history they are of, oldest first. */
export interface SnapshotHistory {
  /** Were current once. */
  readonly main: readonly Snapshot[];
  /** Lead to a branch or tag of another engine, and never were current. */
  readonly branches: readonly Snapshot[];
  /** Neither: staged by another engine, or left behind. */
  readonly others: readonly Snapshot[];
}

/**
 * Parents cannot be followed beyond a snapshot that was given up; so what was current once is known by the log, and
 * beyond it by what `withoutSnapshots` wrote down.
 */
export function snapshotHistory(metadata: TableMetadata): SnapshotHistory {
  const main = new Set(metadata['snapshot-log'].map((entry) => entry['snapshot-id']));
  for (const snapshot of metadata.snapshots) {
    if (currentUntilMs(snapshot) !== null) main.add(snapshot['snapshot-id']);
  }
  for (const id of ancestors(metadata, metadata['current-snapshot-id'])) main.add(id);
  const branches = new Set<bigint>();
  for (const [name, ref] of Object.entries(metadata.refs)) {
    if (name === MAIN_BRANCH) continue;
    for (const id of ancestors(metadata, ref['snapshot-id'])) {
      if (main.has(id)) break;
      branches.add(id);
    }
  }
  const rising = metadata.snapshots.toSorted((a, b) => a['sequence-number'] - b['sequence-number']);
  const of = (ids: ReadonlySet<bigint>) => rising.filter((snapshot) => ids.has(snapshot['snapshot-id']));
  const others = rising.filter(({ 'snapshot-id': id }) => !main.has(id) && !branches.has(id));
  return { main: of(main), branches: of(branches), others };
}

function* ancestors(metadata: TableMetadata, id: bigint | undefined): Generator<bigint> {
  for (let snapshot = id === undefined ? undefined : snapshotById(metadata, id); snapshot !== undefined;) {
    yield snapshot['snapshot-id'];
    const parent = snapshot['parent-snapshot-id'];
    snapshot = parent === undefined ? undefined : snapshotById(metadata, parent);
  }
}
