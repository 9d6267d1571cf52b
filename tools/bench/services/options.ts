/** What `main.ts` tells the benchmarks, which may also be started alone. */

/** Ticks of a log: `--scale` makes it shorter or longer. */
export function tickCount(usual: number): number {
  return Math.round(usual * Number(process.env['K2_BENCH_SCALE'] ?? 1));
}

/** `--minutes`. */
export const soakMinutes = Number(process.env['K2_BENCH_MINUTES'] ?? 10);
