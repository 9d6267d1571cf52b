import { mergedFileCount, type CompactionGroup } from '@k2/domain/lake';
import type { TableName } from '@k2/domain/market';
import { isPortError, type CompactionOptions, type CompactionReport } from '@k2/ports';
import { currentSnapshot, type TableMetadata } from '../format/metadata.ts';
import type { LakeTables } from '../lake-tables.ts';
import type { DigestThread } from '../objects/digest-thread.ts';
import type { FileField } from '../write/write-job.ts';
import { throwIfCancelled } from './cancelled.ts';
import { candidateGroups, type Candidate } from './compaction-candidates.ts';
import { deleteObjects } from './delete-objects.ts';
import { replaceFiles, type ReplacementLimits, type ReplacementParts } from './file-replacement.ts';
import { Progress } from './progress.ts';
import { GroupRewrite, type GroupRewriteLimits } from './group-rewrite.ts';
import { liveFiles } from './live-files.ts';
import { fileOrder, rewritableColumns } from './rewritable-columns.ts';
import { RewriteProcess, type RewriteLimits } from './rewrite-process.ts';

export interface CompactionLimits extends ReplacementLimits, GroupRewriteLimits, RewriteLimits {
  readonly rowGroupRows: number;
  readonly groupFilesMax: number;
}

export interface CompactionParts extends ReplacementParts {
  readonly tables: LakeTables;
  readonly digests: DigestThread;
}

/** A group reads at most this many times the target size: a bound on what sorting it spills to disk. */
const GROUP_TARGETS_MAX = 4;
/** Groups that may fail before a run is given up: one damaged file is not to keep all others from being merged. */
const FAILURES_MAX = 3;

type Group = CompactionGroup<Candidate>;
type Merged = { readonly files: number; readonly sizeBytes: number };

/** One run over one table: chooses groups of files, has each rewritten and replaces it in a commit of its own. */
export class Compaction {
  private readonly parts: CompactionParts;
  private readonly limits: CompactionLimits;
  private readonly table: TableName;
  private readonly options: CompactionOptions;

  constructor(parts: CompactionParts, limits: CompactionLimits, table: TableName, options: CompactionOptions) {
    this.parts = parts;
    this.limits = limits;
    this.table = table;
    this.options = options;
  }

  async run(signal: AbortSignal): Promise<CompactionReport> {
    const { metadata } = await this.parts.tables.load(this.table);
    const { dryRun, bytesMax, fileBytesTarget, filesMin, closedBeforeUs } = this.options;
    const groupBytesMax = Math.min(bytesMax, GROUP_TARGETS_MAX * fileBytesTarget);
    const { groupFilesMax } = this.limits;
    const rule = { fileBytesTarget, filesMin, closedBeforeUs, groupBytesMax, groupFilesMax };
    const groups = await candidateGroups(metadata, rule, this.parts.files);
    const totals = new Totals();
    const failures: unknown[] = [];
    // Before anything is fetched: what cannot be rewritten is no failure of single groups.
    const fields = groups.length === 0 ? [] : rewritableColumns(this.table, metadata);
    const rewriter = new RewriteProcess(this.limits);
    const wanted = withinBytes(groups, bytesMax);
    const files = wanted.reduce((sum, group) => sum + group.files.length, 0);
    const progress = new Progress(
      this.options.progress,
      files,
      wanted.reduce((sum, group) => sum + group.sizeBytes, 0),
    );
    try {
      for (const group of wanted) {
        throwIfCancelled(signal);
        try {
          const merged = dryRun ? this.expected(group) : await this.merged(metadata, fields, group, rewriter, signal);
          totals.add(group, merged);
        } catch (error) {
          failures.push(error);
          if (isPortError(error, 'cancelled') || failures.length === FAILURES_MAX) throw error;
        }
        progress.add(group.files.length, group.sizeBytes);
      }
    } finally {
      await rewriter.close();
    }
    if (failures.length > 0) throw failures[0];
    return totals.report(this.table, dryRun, groups.length);
  }

  private expected(group: Group): Merged {
    const rowGroups = this.rowGroupsPerFile(group);
    const files = rowGroups === null ? 1 : Math.ceil(group.rowCount / (rowGroups * this.limits.rowGroupRows));
    return { files, sizeBytes: group.sizeBytes };
  }

  /** Null: all rows go into one file. */
  private rowGroupsPerFile({ sizeBytes, rowCount }: Group): number | null {
    const files = mergedFileCount(sizeBytes, this.options.fileBytesTarget);
    return files === 1 ? null : Math.ceil(rowCount / files / this.limits.rowGroupRows);
  }

  /** Null where another writer has taken files of the group out of the table meanwhile. */
  private async merged(
    metadata: TableMetadata,
    fields: readonly FileField[],
    group: Group,
    rewriter: RewriteProcess,
    signal: AbortSignal,
  ): Promise<Merged | null> {
    const { parts, limits, table } = this;
    const inputs = group.files.map(({ file }) => file);
    const { orderId: sortOrderId, keys: sortBy } = fileOrder(metadata);
    const rewrite = new GroupRewrite({ ...parts, rewriter }, limits);
    const job = {
      fields,
      sortBy,
      zstdLevel: this.options.zstdLevel,
      rowGroupRows: limits.rowGroupRows,
      rowGroupsPerFile: this.rowGroupsPerFile(group),
    };
    let outputs;
    try {
      outputs = await rewrite.run({ location: metadata.location, inputs, sortOrderId, job }, signal);
    } catch (error) {
      const keys = rewrite.keys.map((key) => ({ key, sizeBytes: 0 }));
      await deleteObjects(parts, keys, { atOnceMax: limits.transfersMax });
      // That files are gone is no failure where they are not in the table any more.
      if (isPortError(error, 'cancelled') || (await this.areLive(inputs.map(({ path }) => path)))) throw error;
      return null;
    }
    const { specId } = group.files[0];
    const dataSequenceNumber = group.files.reduce((most, file) => Math.max(most, file.dataSequenceNumber), 0);
    const { storedUs } = rewrite;
    const replacement = { table, metadata, specId, inputs, outputs, dataSequenceNumber, storedUs };
    if (!(await replaceFiles(parts, limits, replacement))) return null;
    return { files: outputs.length, sizeBytes: outputs.reduce((sum, file) => sum + file.sizeBytes, 0) };
  }

  private async areLive(paths: readonly string[]): Promise<boolean> {
    const { metadata } = await this.parts.tables.load(this.table);
    const live = await liveFiles(metadata, currentSnapshot(metadata), this.parts.files);
    const livePaths = new Set(live.map(({ file }) => file.path));
    return paths.every((path) => livePaths.has(path));
  }
}

/** The first of them, as many as together are of no more bytes than this. */
function withinBytes(groups: readonly Group[], bytesMax: number): readonly Group[] {
  let left = bytesMax;
  const beyond = groups.findIndex(({ sizeBytes }) => (left -= sizeBytes) < 0);
  return beyond === -1 ? groups : groups.slice(0, beyond);
}

class Totals {
  private groups = 0;
  private abandonedGroups = 0;
  private filesBefore = 0;
  private filesAfter = 0;
  private rows = 0;
  private bytesBefore = 0;
  private bytesAfter = 0;

  /** Null: the group was abandoned. */
  add(group: Group, merged: Merged | null): void {
    if (merged === null) {
      this.abandonedGroups++;
      return;
    }
    this.groups++;
    this.filesBefore += group.files.length;
    this.filesAfter += merged.files;
    this.rows += group.rowCount;
    this.bytesBefore += group.sizeBytes;
    this.bytesAfter += merged.sizeBytes;
  }

  report(table: TableName, dryRun: boolean, chosenGroups: number): CompactionReport {
    const { groups, abandonedGroups, filesBefore, filesAfter, rows, bytesBefore, bytesAfter } = this;
    const counts = { groups, abandonedGroups, filesBefore, filesAfter, rows, bytesBefore, bytesAfter };
    return { table, dryRun, ...counts, isDone: groups === chosenGroups };
  }
}
