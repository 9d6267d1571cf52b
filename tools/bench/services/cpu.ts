import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { descendants } from '../../testbed/process/process-table.ts';

/** CPU seconds, user and system together. */
export interface CpuUse {
  readonly process: string;
  readonly seconds: number;
  /** By the name that each thread has in the system; several may share one. Empty where nobody asked for them. */
  readonly threads: readonly { readonly name: string; readonly seconds: number; readonly threads: number }[];
}

export interface Watched {
  readonly name: string;
  readonly pid: number;
  readonly withThreads?: boolean;
}

/** What processes and their threads use of the machine between two moments. Linux only: elsewhere there is nothing to read. */
export class CpuMeter {
  private readonly watched: readonly Watched[];
  private readonly before: readonly Reading[];
  private readonly startedMs = performance.now();

  constructor(watched: readonly Watched[]) {
    this.watched = watched;
    this.before = watched.map(({ pid }) => read(pid));
  }

  /** Since the meter was made. */
  take(): { readonly uses: readonly CpuUse[]; readonly elapsedSeconds: number } {
    const uses = this.watched.map(({ name, pid, withThreads = false }, index) => {
      const [before, after] = [this.before[index], read(pid)];
      return {
        process: name,
        seconds: after.seconds - before.seconds,
        threads: withThreads ? threadUses(before, after) : [],
      };
    });
    return { uses, elapsedSeconds: (performance.now() - this.startedMs) / 1_000 };
  }
}

/** What the machine did meanwhile, for people: who used it, and whether one thread or all cores were at their end. */
export function limitLines(taken: ReturnType<CpuMeter['take']>, rows: number): readonly string[] {
  const { uses, elapsedSeconds } = taken;
  const perMillion = (seconds: number) => `${(seconds / (rows / 1e6)).toFixed(2)} CPU s/M rows`;
  const total = uses.reduce((sum, { seconds }) => sum + seconds, 0);
  const cores = os.availableParallelism();
  const lines: string[] = [];
  let busiest = { name: '', share: 0 };
  for (const { process, seconds, threads } of uses.toSorted((a, b) => b.seconds - a.seconds)) {
    lines.push(`${process.padEnd(20)} ${perMillion(seconds)}`);
    for (const { name, seconds: own, threads: count } of threads) {
      if (own / seconds < 0.02) continue;
      lines.push(`  ${`${name}${count > 1 ? ` (${count})` : ''}`.padEnd(18)} ${perMillion(own)}`);
      const share = own / count / elapsedSeconds;
      if (share > busiest.share) busiest = { name: `${name} of ${process}`, share };
    }
  }
  const percent = (share: number) => `${Math.round(share * 100)} %`;
  const machine = `these took ${percent(total / elapsedSeconds / cores)} of ${cores} cores over ${elapsedSeconds.toFixed(1)} s`;
  const thread = busiest.share === 0 ? '' : `; the busiest thread, ${busiest.name}, was ${percent(busiest.share)} busy`;
  return [...lines, `what limits it: ${machine}${thread}`];
}

interface Reading {
  readonly seconds: number;
  readonly threads: ReadonlyMap<string, { readonly name: string; readonly seconds: number }>;
}

/** Of Linux on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

/** A process and those it has started, with the threads of the first. */
function read(pid: number): Reading {
  if (process.platform !== 'linux') return { seconds: 0, threads: new Map() };
  const children = descendants(pid).map((child) => child.pid);
  const threads = new Map<string, { name: string; seconds: number }>();
  try {
    for (const id of readdirSync(`/proc/${pid}/task`)) {
      const stat = readStat(`/proc/${pid}/task/${id}/stat`);
      if (stat !== null) threads.set(id, stat);
    }
  } catch {
    // It has ended.
  }
  const seconds = [pid, ...children].reduce((sum, id) => sum + (readStat(`/proc/${id}/stat`)?.seconds ?? 0), 0);
  return { seconds, threads };
}

function readStat(path: string): { readonly name: string; readonly seconds: number } | null {
  let stat: string;
  try {
    stat = readFileSync(path, 'latin1');
  } catch {
    return null;
  }
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { name, seconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND };
}

function threadUses(before: Reading, after: Reading): CpuUse['threads'] {
  const byName = new Map<string, { name: string; seconds: number; threads: number }>();
  for (const [id, { name, seconds }] of after.threads) {
    const used = seconds - (before.threads.get(id)?.seconds ?? 0);
    const known = byName.get(name) ?? { name, seconds: 0, threads: 0 };
    byName.set(name, { name, seconds: known.seconds + used, threads: known.threads + 1 });
  }
  return [...byName.values()].sort((a, b) => b.seconds - a.seconds);
}
