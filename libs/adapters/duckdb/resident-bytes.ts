import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Memory that a process occupies; null where it is gone, or the system does not tell. */
export async function residentBytes(pid: number): Promise<number | null> {
  try {
    const kb = process.platform === 'linux' ? await fromProc(pid) : await fromPs(pid);
    return Number.isFinite(kb) ? kb * 1_024 : null;
  } catch {
    return null;
  }
}

async function fromProc(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN);
}

async function fromPs(pid: number): Promise<number> {
  const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)], { timeout: 1_000 });
  return Number(stdout.trim() || NaN);
}
