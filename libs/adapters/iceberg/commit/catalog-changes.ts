import type { TableName } from '@k2/domain/market';
import type { Clock, ObjectStore, ProgressChange, Random, TableCatalog, Telemetry } from '@k2/ports';
import type { TableFiles } from '../table-files.ts';
import type { Attempt } from './attempt.ts';
import { metadataVersion, type MetadataFile, type UndatedMetadata } from './next-metadata.ts';

/** A table's move to its next metadata, which is not written yet; `base` is null where the table is created. */
export interface TableMove {
  readonly table: TableName;
  readonly base: MetadataFile | null;
  readonly next: UndatedMetadata;
}

/** Makes changes of the catalog out of successors of metadata, and clears up behind those that took effect. */
export class CatalogChanges {
  private readonly parts: {
    readonly catalog: TableCatalog;
    readonly objects: ObjectStore;
    readonly clock: Clock;
    readonly random: Random;
    readonly telemetry: Telemetry;
    readonly files: TableFiles;
  };

  constructor(parts: CatalogChanges['parts']) {
    this.parts = parts;
  }

  /** Dates and writes the metadata files, last of all. `lake`: every table as it was read. */
  async attempt(
    moves: readonly TableMove[],
    lake: Iterable<MetadataFile>,
    progress: ProgressChange = NO_PROGRESS,
  ): Promise<Attempt> {
    const committedMs = await this.nextMs(lake);
    const written = await Promise.all(moves.map((move) => this.written(move, committedMs)));
    return {
      change: {
        changeId: this.parts.random.uuid(),
        committedUs: committedMs * 1_000,
        tables: written.map(({ pointer }) => pointer),
        progress: progress.partitions,
        state: progress.state,
      },
      retired: written.flatMap(({ retired }) => retired),
    };
  }

  /** Deletes metadata files that fell out of the log, and manifests that were merged at once. Best effort: the next orphan removal finds what is left. */
  async finish({ retired }: Attempt): Promise<void> {
    const { objects, telemetry } = this.parts;
    for (const location of retired) {
      try {
        await objects.delete(objects.key(location));
      } catch (error) {
        telemetry.log('warn', 'a metadata file that nothing names any more could not be deleted', {
          location,
          error: String(error),
        });
      }
    }
  }

  /**
   * Milliseconds, as Iceberg counts; later than every commit so far, of whatever table and however the writers' clocks
   * stand. What other engines committed is known from the tables only.
   */
  private async nextMs(lake: Iterable<MetadataFile>): Promise<number> {
    const { catalog, clock } = this.parts;
    const lastUs = await catalog.lastCommitUs();
    const earlierMs = Array.from(lake, ({ metadata }) => metadata['last-updated-ms']);
    if (lastUs !== null) earlierMs.push(Math.floor(lastUs / 1_000));
    return earlierMs.reduce((atMs, earlier) => Math.max(atMs, earlier + 1), Math.floor(clock.nowUs() / 1_000));
  }

  private async written({ table, base, next }: TableMove, committedMs: number) {
    const { metadata, retired } = next(committedMs);
    const version = base === null ? 0 : metadataVersion(base.location) + 1;
    const location = await this.parts.files.writeMetadata(metadata, version);
    return { pointer: { table, expected: base?.location ?? null, next: location }, retired };
  }
}

const NO_PROGRESS: ProgressChange = { partitions: [], state: new Map() };
