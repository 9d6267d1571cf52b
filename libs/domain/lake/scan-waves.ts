/** Earliest and latest time of a file's rows, UTC µs, both inclusive. */
export interface TimeSpan {
  readonly minUs: number;
  readonly maxUs: number;
}

/**
 * Files in waves to be read one after the other: every row of a wave comes before every row of the next, in the order of
 * time asked for, so that a reader who has enough rows leaves the rest unread. Each wave but the last has at least twice
 * the files of the one before it: who needs all of them asks few times. A file whose span is unknown makes one wave of everything.
 */
export function scanWaves<File extends { readonly timeSpan: TimeSpan | null }>(
  files: readonly File[],
  order: 'oldest-first' | 'newest-first',
): readonly (readonly File[])[] {
  const groups = disjointGroups(files);
  if (groups === null) return [files];
  if (order === 'newest-first') groups.reverse();
  const waves: File[][] = [];
  for (const group of groups) {
    const last = waves.at(-1);
    const beforeLast = waves.at(-2);
    if (last === undefined || last.length >= 2 * (beforeLast?.length ?? 0)) waves.push([...group]);
    else for (const file of group) last.push(file);
  }
  return waves.length === 0 ? [[]] : waves;
}

/** Oldest first; files whose spans touch are in one group. Null where a span is unknown. */
function disjointGroups<File extends { readonly timeSpan: TimeSpan | null }>(files: readonly File[]): File[][] | null {
  const spans = files.map((file) => ({ file, span: file.timeSpan }));
  if (spans.some(({ span }) => span === null)) return null;
  spans.sort((a, b) => a.span!.minUs - b.span!.minUs);
  const groups: File[][] = [];
  let reachedUs = -Infinity;
  for (const { file, span } of spans) {
    if (groups.length > 0 && span!.minUs <= reachedUs) groups.at(-1)!.push(file);
    else groups.push([file]);
    reachedUs = Math.max(reachedUs, span!.maxUs);
  }
  return groups;
}
