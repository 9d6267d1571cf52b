/** A data file, as compaction chooses by it. */
export interface CompactableFile {
  /** Only files of equal partitions are merged. */
  readonly partition: string;
  /** End of the partition's time, UTC µs; null where it has none, and is never finished. */
  readonly partitionEndUs: number | null;
  /** When its newest rows were committed, UTC µs. */
  readonly addedUs: number;
  readonly sizeBytes: number;
  readonly rowCount: number;
  /** By the table's sort order. */
  readonly isSorted: boolean;
}

export interface CompactionRule {
  /** Size of a merged file. Sorted files of three quarters of it or more are left alone. */
  readonly fileBytesTarget: number;
  /** Files of one tier before they are merged; at least 2. */
  readonly filesMin: number;
  /** A partition is finished when its time ended before this, UTC µs, and nothing was added to it since. */
  readonly closedBeforeUs: number;
  /** Bounds of one group; should be several times the target. */
  readonly groupBytesMax: number;
  readonly groupFilesMax: number;
}

/** Files to be merged, all of one partition. */
export interface CompactionGroup<File> {
  readonly files: readonly File[];
  readonly sizeBytes: number;
  readonly rowCount: number;
}

/**
 * The groups of files to merge, those first that save the most files for their bytes.
 *
 * While a partition is written to, files are merged by tiers of rows: tier t has files of filesMin^t rows and more. As
 * soon as a tier has filesMin files, they and all smaller ones become one file, which is of a higher tier: a row is
 * rewritten once for each tier at most, so a logarithmic number of times, and a tier never keeps filesMin files. A
 * finished partition has all its small files merged, whatever their number. What was merged is not chosen again.
 */
export function compactionGroups<File extends CompactableFile>(
  files: readonly File[],
  rule: CompactionRule,
): readonly CompactionGroup<File>[] {
  const partitions = Map.groupBy(files, (file) => file.partition);
  const groups = [...partitions.values()].flatMap((all) => partitionGroups(all, rule));
  return groups.toSorted((a, b) => savedPerByte(b, rule) - savedPerByte(a, rule));
}

/** Files that a group becomes, each of about the target size. */
export function mergedFileCount(sizeBytes: number, fileBytesTarget: number): number {
  // Rounded down, so that every one of them is large enough to be left alone.
  return Math.max(1, Math.floor((sizeBytes * MERGED_SHARE) / fileBytesTarget + 0.25));
}

/** What is left of small files' bytes once they are sorted together and compressed harder (measured: 0.70 to 0.90). */
const MERGED_SHARE = 0.8;
const FINISHED_SHARE = 0.75;

function savedPerByte({ files, sizeBytes }: CompactionGroup<CompactableFile>, rule: CompactionRule): number {
  return (files.length - mergedFileCount(sizeBytes, rule.fileBytesTarget)) / sizeBytes;
}

function partitionGroups<File extends CompactableFile>(files: readonly File[], rule: CompactionRule) {
  const { partitionEndUs } = files[0];
  const isLarge = ({ sizeBytes }: File) => sizeBytes >= FINISHED_SHARE * rule.fileBytesTarget;
  const unfinished = files.filter((file) => !isLarge(file) || !file.isSorted);
  const isClosed =
    partitionEndUs !== null &&
    partitionEndUs <= rule.closedBeforeUs &&
    unfinished.every(({ addedUs }) => addedUs < rule.closedBeforeUs);
  if (isClosed) return closedGroups(unfinished, rule);
  return openGroups(
    unfinished.filter((file) => !isLarge(file)),
    rule,
  );
}

/** A file alone is rewritten only to be sorted. */
function closedGroups<File extends CompactableFile>(files: readonly File[], rule: CompactionRule) {
  const groups: CompactionGroup<File>[] = [];
  for (let rest = files.toSorted((a, b) => a.addedUs - b.addedUs); rest.length > 0;) {
    const taken = withinBounds(rest, rule);
    if (taken.length > 1 || (taken.length === 1 && !taken[0].isSorted)) groups.push(groupOf(taken));
    // A file beyond the bounds stays as it is.
    rest = rest.slice(Math.max(1, taken.length));
  }
  return groups;
}

function openGroups<File extends CompactableFile>(files: readonly File[], rule: CompactionRule) {
  const groups: CompactionGroup<File>[] = [];
  const filesMin = Math.max(2, rule.filesMin);
  for (let rest = files.toSorted((a, b) => a.rowCount - b.rowCount); ;) {
    const full = fullTiers(rest, filesMin);
    const taken = withinBounds(rest.slice(0, full), rule);
    if (taken.length < 2) return groups;
    const isCut = taken.length < full;
    const group = groupOf(taken);
    // Cut by its bounds, a group is worth it where it leaves finished files, or far fewer.
    const isFruitful = mergedFileCount(group.sizeBytes, rule.fileBytesTarget) > 1 || taken.length >= filesMin;
    if (isCut && !isFruitful) return groups;
    groups.push(group);
    rest = rest.slice(taken.length);
  }
}

/**
 * How many files, by rising number of rows, make up the tiers to be merged. What merged tiers become counts as a file
 * of its own tier, which may be full by it.
 */
function fullTiers(files: readonly CompactableFile[], filesMin: number): number {
  let full = 0;
  let fullRows = 0;
  let rows = 0;
  for (let from = 0; from < files.length;) {
    const tier = tierOf(files[from].rowCount, filesMin);
    let until = from;
    while (until < files.length && tierOf(files[until].rowCount, filesMin) === tier) rows += files[until++].rowCount;
    const mergedFiles = full > 0 && tierOf(fullRows, filesMin) === tier ? 1 : 0;
    if (until - from + mergedFiles >= filesMin) {
      full = until;
      fullRows = rows;
    }
    from = until;
  }
  return full;
}

function tierOf(rowCount: number, filesMin: number): number {
  let tier = 0;
  for (let rest = rowCount; rest >= filesMin; rest = Math.floor(rest / filesMin)) tier++;
  return tier;
}

/** The first files, as many as fit into a group. */
function withinBounds<File extends CompactableFile>(files: readonly File[], rule: CompactionRule): readonly File[] {
  let sizeBytes = 0;
  let count = 0;
  while (count < files.length && count < rule.groupFilesMax) {
    sizeBytes += files[count].sizeBytes;
    if (sizeBytes > rule.groupBytesMax) break;
    count++;
  }
  return files.slice(0, count);
}

function groupOf<File extends CompactableFile>(files: readonly File[]): CompactionGroup<File> {
  const sum = (of: (file: File) => number) => files.reduce((total, file) => total + of(file), 0);
  return { files, sizeBytes: sum((file) => file.sizeBytes), rowCount: sum((file) => file.rowCount) };
}
