/** Sets of whole numbers as sorted, disjoint ranges, both ends inclusive. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Sorts, and joins what overlaps or touches. */
export function normalised(ranges: readonly Range[]): readonly Range[] {
  const joined: Range[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last !== undefined && range.from <= last.to + 1)
      joined[joined.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    else joined.push(range);
  }
  return joined;
}

/** The numbers of `all` that are not in `less`. */
export function without(all: readonly Range[], less: readonly Range[]): readonly Range[] {
  const holes = normalised(less);
  const left: Range[] = [];
  let first = 0;
  for (const range of normalised(all)) {
    while (first < holes.length && holes[first].to < range.from) first++;
    let from = range.from;
    for (let at = first; at < holes.length && holes[at].from <= range.to; at++) {
      if (holes[at].from > from) left.push({ from, to: holes[at].from - 1 });
      from = Math.max(from, holes[at].to + 1);
    }
    if (from <= range.to) left.push({ from, to: range.to });
  }
  return left;
}

/** The numbers of `all` that lie in `[bounds.from, bounds.to]`. */
export function within(all: readonly Range[], bounds: Range): readonly Range[] {
  return normalised(all)
    .map(({ from, to }) => ({ from: Math.max(from, bounds.from), to: Math.min(to, bounds.to) }))
    .filter(({ from, to }) => from <= to);
}

export function printRanges(ranges: readonly Range[], namedMax = 3): string {
  const named = ranges.slice(0, namedMax).map(({ from, to }) => (from === to ? `${from}` : `${from}–${to}`));
  return named.join(', ') + (ranges.length > namedMax ? ', …' : '');
}
