import type { TableName } from '@k2/domain/market';
import type { Clock, ObjectStore, ProgressChange, Random, Telemetry } from '@k2/ports';
import type { TableFiles } from '../table-files.ts';
import type { Attempt } from './attempt.ts';
import { metadataVersion, type MetadataFile, type NextMetadata } from './next-metadata.ts';

/** A table's move to its next metadata file, which is written. */
export interface TableMove {
  readonly pointer: { readonly table: TableName; readonly expected: string; readonly next: string };
  readonly retired: readonly string[];
}

/** Makes changes of the catalog out of successors of metadata, and clears up behind those that took effect. */
export class CatalogChanges {
  private readonly parts: {
    readonly objects: ObjectStore;
    readonly clock: Clock;
    readonly random: Random;
    readonly telemetry: Telemetry;
    readonly files: TableFiles;
  };
  private lastMs = 0;

  constructor(parts: CatalogChanges['parts']) {
    this.parts = parts;
  }

  /** Milliseconds, as Iceberg counts; later than everything committed so far, also where the clock stands still. */
  nextMs(bases: Iterable<MetadataFile>): number {
    const updatedMs = Array.from(bases, ({ metadata }) => metadata['last-updated-ms']);
    this.lastMs = Math.max(
      Math.floor(this.parts.clock.nowUs() / 1_000),
      ...[this.lastMs, ...updatedMs].map((ms) => ms + 1),
    );
    return this.lastMs;
  }

  async move(table: TableName, base: MetadataFile, next: NextMetadata): Promise<TableMove> {
    const location = await this.parts.files.writeMetadata(next.metadata, metadataVersion(base.location) + 1);
    return { pointer: { table, expected: base.location, next: location }, retired: next.retired };
  }

  attempt(moves: readonly TableMove[], committedMs: number, progress: ProgressChange = NO_PROGRESS): Attempt {
    return {
      change: {
        changeId: this.parts.random.uuid(),
        tables: moves.map((move) => move.pointer),
        progress: progress.partitions,
        state: progress.state,
      },
      committedMs,
      retired: moves.flatMap((move) => move.retired),
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
}

const NO_PROGRESS: ProgressChange = { partitions: [], state: new Map() };
