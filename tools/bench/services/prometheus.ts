/**
 * A quantile of `k2_sink_commit_ms` over several processes, by interpolation within its bucket as Prometheus'
 * `histogram_quantile` does it. `texts`: in Prometheus' text format.
 */
export function quantileMs(texts: readonly (string | null)[], rank: number): number {
  const cumulative = new Map<number, number>();
  for (const text of texts) {
    for (const [, bound, count] of (text ?? '').matchAll(/^k2_sink_commit_ms_bucket\{.*?le="([^"]+)".*?\} (\d+)/gm)) {
      const boundMs = bound === '+Inf' ? Infinity : Number(bound);
      cumulative.set(boundMs, (cumulative.get(boundMs) ?? 0) + Number(count));
    }
  }
  const buckets = [...cumulative].sort(([a], [b]) => a - b);
  const total = buckets.at(-1)?.[1] ?? 0;
  if (total === 0) throw new Error('the sinks tell of no commit');
  const wanted = rank * total;
  let [lowMs, below] = [0, 0];
  for (const [boundMs, count] of buckets) {
    if (count >= wanted)
      return boundMs === Infinity ? lowMs : lowMs + ((boundMs - lowMs) * (wanted - below)) / (count - below);
    [lowMs, below] = [boundMs, count];
  }
  return lowMs;
}

/** A gauge of a process without labels; throws where it is not there. */
export function gaugeOf(text: string, name: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `) || one.startsWith(`${name}{`));
  if (line === undefined) throw new Error(`there is no ${name} in the metrics`);
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}
