import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  /** The same for as long as the process lives, and different when its pid is used again. */
  readonly startedAt: string;
}

/** The processes of this machine, by pid, without those that are dead and only wait for their parent to look. */
export function processTable(): Map<number, ProcessEntry> {
  const entries = process.platform === 'linux' ? fromProc() : fromPs();
  return new Map(entries.map((entry) => [entry.pid, entry]));
}

/** One process; undefined where it has ended. */
export function processEntry(pid: number): ProcessEntry | undefined {
  return process.platform === 'linux' ? procEntry(String(pid)) : fromPs(['-p', String(pid)])[0];
}

/** Everything that the process started and that still runs, and what that started. */
export function descendants(pid: number, table = processTable()): ProcessEntry[] {
  const children = [...table.values()].filter((entry) => entry.parentPid === pid);
  return children.flatMap((child) => [child, ...descendants(child.pid, table)]);
}

/** Memory that the process holds, with what it shares with others. */
export function rssBytes(pid: number): number {
  if (process.platform !== 'linux') return Number(ps(['-p', String(pid), '-o', 'rss='])[0] ?? 0) * 1024;
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function fromProc(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => procEntry(name) ?? []);
}

function procEntry(pid: string): ProcessEntry | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The second field is the program's name in brackets, and may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid: Number(pid), parentPid: Number(fields[1]), startedAt: fields[19] };
}

function fromPs(which: readonly string[] = ['-A']): ProcessEntry[] {
  return ps([...which, '-o', 'pid=,ppid=,stat=,lstart=']).flatMap((line) => {
    const [pid, parentPid, state, ...startedAt] = line.trim().split(/\s+/);
    if (state === undefined || state.startsWith('Z')) return [];
    return { pid: Number(pid), parentPid: Number(parentPid), startedAt: startedAt.join(' ') };
  });
}

function ps(args: readonly string[]): string[] {
  try {
    const text = execFileSync('ps', args, {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.split('\n');
  } catch {
    // No such process.
    return [];
  }
}
