import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { contentName, namedDigest, type Clock, type LocalFile, type ObjectStore, type Random } from '@k2/ports';
import type { DataFile } from '../format/manifest.ts';
import { damaged } from '../objects/checked-object-store.ts';
import type { DigestThread } from '../objects/digest-thread.ts';
import { soundFile } from '../objects/sound-file.ts';
import { eachBounded } from './bounded.ts';
import type { RewriteJob, RewrittenFile } from './rewrite-job.ts';
import type { RewriteProcess } from './rewrite-process.ts';

export interface GroupRewriteLimits {
  /** Local directory, which exists, for files being rewritten and what sorting spills. */
  readonly tempDirectory: string;
  /** Objects fetched or stored at once. */
  readonly transfersMax: number;
}

/** What the new files of a group share. */
export interface GroupTarget {
  /** Of the table. */
  readonly location: string;
  readonly inputs: readonly DataFile[];
  readonly sortOrderId: number | null;
  readonly job: Omit<RewriteJob, 'paths' | 'directory'>;
}

/** Fetches files of one partition, has them rewritten and stores the result; nothing refers to it yet. */
export class GroupRewrite {
  /** Keys of what was stored, or perhaps was. */
  readonly keys: string[] = [];
  /** When storing began. */
  storedUs = 0;
  private readonly parts: {
    readonly objects: ObjectStore;
    readonly clock: Clock;
    readonly random: Random;
    readonly rewriter: RewriteProcess;
    readonly digests: DigestThread;
  };
  private readonly limits: GroupRewriteLimits;

  constructor(parts: GroupRewrite['parts'], limits: GroupRewriteLimits) {
    this.parts = parts;
    this.limits = limits;
  }

  async run(target: GroupTarget, signal: AbortSignal): Promise<readonly DataFile[]> {
    const directory = await mkdtemp(join(this.limits.tempDirectory, 'compact-'));
    const fetched: LocalFile[] = [];
    try {
      const paths = await eachBounded(target.inputs, this.limits.transfersMax, async ({ path, sizeBytes }) => {
        const key = this.parts.objects.key(path);
        const file = await soundFile(
          () => this.parts.objects.localFile(key),
          (local) => this.checkSound(key, local, sizeBytes),
        );
        fetched.push(file);
        return file.path;
      });
      const written = await this.parts.rewriter.rewrite({ ...target.job, paths, directory }, signal);
      checkNothingLost(target, written);
      this.storedUs = this.parts.clock.nowUs();
      return await eachBounded(written, this.limits.transfersMax, (file) => this.stored(target, file));
    } finally {
      for (const file of fetched) file.release();
      await rm(directory, { recursive: true, force: true });
    }
  }

  /**
   * Read again, whatever was read of it before: a new file would give wrong rows a right digest, and the inputs, with
   * what a backup is good for, are deleted.
   */
  private async checkSound(key: string, path: string, sizeBytes: number): Promise<void> {
    const expected = namedDigest(key);
    if (expected !== null && (await this.parts.digests.digest(path)) !== expected) throw damaged(key, sizeBytes);
  }

  private async stored(target: GroupTarget, { path, digest, rowCount, ...facts }: RewrittenFile): Promise<DataFile> {
    const { objects, random } = this.parts;
    const location = `${target.location}/data/${contentName(random.uuid(), digest)}.parquet`;
    const key = objects.key(location);
    this.keys.push(key);
    const { sizeBytes } = await objects.putFileIfAbsent(key, path);
    if (sizeBytes !== facts.sizeBytes) {
      throw new Error(
        `${location} has ${sizeBytes} bytes where ${facts.sizeBytes} were written: the upload is not whole`,
      );
    }
    const { partition } = target.inputs[0];
    return { ...facts, path: location, partition, recordCount: rowCount, sortOrderId: target.sortOrderId };
  }
}

/**
 * The table is about to give the inputs up: as many rows have to be there as before, and as many values of each column
 * as the inputs' manifests tell of.
 */
function checkNothingLost({ inputs, job }: GroupTarget, written: readonly RewrittenFile[]): void {
  const rowsBefore = sum(inputs, ({ recordCount }) => recordCount);
  const rowsAfter = sum(written, ({ rowCount }) => rowCount);
  if (rowsAfter !== rowsBefore)
    throw new Error(`${rowsBefore} rows were to be rewritten and ${rowsAfter} were written: nothing was replaced`);
  for (const { id, name } of job.fields) {
    const counted = inputs.filter((file) => file.valueCounts.has(id) && file.nullValueCounts.has(id));
    const before = sum(counted, (file) => file.valueCounts.get(id)! - file.nullValueCounts.get(id)!);
    const isListed = written.some((file) => file.valueCounts.has(id));
    const after = sum(written, (file) => (file.valueCounts.get(id) ?? 0) - (file.nullValueCounts.get(id) ?? 0));
    // Files of other engines, and those older than the column, need not tell of it.
    if (!isListed || (counted.length === inputs.length ? after === before : after >= before)) continue;
    throw new Error(`${name}: ${before} values were to be rewritten and ${after} were written: nothing was replaced`);
  }
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
