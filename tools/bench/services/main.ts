/**
 * K2 on real servers, which each benchmark starts for itself and stops again: what the log takes and gives, how fast
 * sinks carry it into the lake, how fresh the lake is, how much memory it takes, and how a peer does on the same ticks.
 *
 *   npm run bench:services -- [--only NAME,…] [--peer] [--minutes 10] [--scale 1] [--json FILE]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { report, type Figure } from '../figure.ts';
import { runBenches } from '../run-benches.ts';

/** In the order they run. */
const BENCHES = ['log', 'sink', 'peer', 'freshness', 'memory'] as const;
const USAGE = `npm run bench:services -- [--only ${BENCHES.join(',')}] [--peer] [--minutes 10] [--scale 1] [--json FILE]`;
const BENCH_TIMEOUT_MS = 30 * 60_000;

const { only, minutes, scale, json } = asked();
const files = only.map((name) => join(import.meta.dirname, `${name}.bench.ts`));
const env = { K2_BENCH_MINUTES: String(minutes), K2_BENCH_SCALE: String(scale) };
const timeoutMs = BENCH_TIMEOUT_MS + minutes * 60_000;
if (!(await runBenches({ files, env, timeoutMs, derived: ratios, json }))) process.exitCode = 1;

/** How many times the peer's rows a second K2 commits, one sink process against one worker. */
function ratios(figures: readonly Figure[]): readonly Figure[] {
  const valueOf = (name: string) => figures.find((figure) => figure.name === name);
  const peer = valueOf('peer_committed_rows_per_s');
  if (peer === undefined) return [];
  return (['tick', 'block'] as const).flatMap((framing) => {
    const own = valueOf(`${framing}_one_sink_committed_rows_per_s`);
    if (own === undefined) return [];
    const ratio: Figure = {
      name: `${framing}_to_peer_ratio`,
      value: own.value / peer.value,
      unit: 'ratio',
      count: own.count,
      note: 'rows committed a second, one K2 sink to one Kafka Connect worker with two tasks',
    };
    report(ratio);
    return [ratio];
  });
}

function asked() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        peer: { type: 'boolean', default: false },
        minutes: { type: 'string', default: '10' },
        scale: { type: 'string', default: '1' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      console.log(USAGE);
      process.exit(0);
    }
    const named = values.only?.split(',');
    const unknown = named?.find((name) => !BENCHES.some((bench) => bench === name));
    if (unknown !== undefined) throw new Error(`there is no benchmark ${JSON.stringify(unknown)}`);
    const wanted = (name: string) => (name === 'peer' && values.peer) || (named?.includes(name) ?? name !== 'peer');
    return {
      only: BENCHES.filter(wanted),
      minutes: number('minutes', values.minutes, 1.5, 24 * 60),
      scale: number('scale', values.scale, 0.01, 100),
      json: values.json,
    };
  } catch (error) {
    console.error(`${(error as Error).message}: ${USAGE}`);
    process.exit(2);
  }
}

function number(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (value >= min && value <= max) return value;
  throw new Error(`--${name} is ${JSON.stringify(text)}, expected a number from ${min} to ${max}`);
}
