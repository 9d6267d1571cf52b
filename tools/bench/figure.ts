/** One measured figure. Names are stable: others compare them over time. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'rows/s' | 'ticks/s' | 'ms' | 'bytes/row' | 'rows' | 'ratio' | 'MiB' | 'CPU s/M rows';
  /** Rows, requests, commits or ticks that it was measured over. */
  readonly count: number;
  /** What a reader needs to know to repeat it. */
  readonly note?: string;
}

/** Tells the runner, and the person who started this benchmark alone. */
export function report(figure: Figure): void {
  const value = figure.value >= 1_000 ? Math.round(figure.value).toLocaleString('en') : figure.value.toPrecision(3);
  const note = figure.note === undefined ? '' : ` · ${figure.note}`;
  console.log(
    `${figure.name.padEnd(40)} ${value.padStart(12)} ${figure.unit} (${figure.count.toLocaleString('en')}${note})`,
  );
  process.send?.(figure);
}

/** Runs it once to warm up, then `times` times; the median of what it returns. */
export async function median(times: number, measure: () => Promise<number> | number): Promise<number> {
  await measure();
  const values: number[] = [];
  for (let i = 0; i < times; i++) values.push(await measure());
  return percentile(values, 0.5);
}

/** Nearest rank. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(rank * sorted.length) - 1)];
}

export function seconds(work: () => unknown): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1_000;
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1_000;
}
