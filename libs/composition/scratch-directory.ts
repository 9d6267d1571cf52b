import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A directory of this process for files on their way, and a way to give it back. */
export interface ScratchDirectory {
  readonly path: string;
  remove(): Promise<void>;
}

/** Those that this process has open. */
const open = new Set<string>();

/** Under `root`, beside those of other processes; what dead ones of this host have left there is deleted. */
export async function openScratchDirectory(root: string): Promise<ScratchDirectory> {
  await mkdir(root, { recursive: true });
  const own = `${hostname()}-`;
  for (const name of await readdir(root)) {
    const pid = name.startsWith(own) ? Number(/^(\d+)-/.exec(name.slice(own.length))?.[1]) : NaN;
    if (pid > 0 && !isInUse(join(root, name), pid)) await rm(join(root, name), { recursive: true, force: true });
  }
  const path = await mkdtemp(join(root, `${own}${process.pid}-`));
  open.add(path);
  const remove = async () => {
    open.delete(path);
    await rm(path, { recursive: true, force: true });
  };
  return { path, remove };
}

function isInUse(path: string, pid: number): boolean {
  // In a container the process before us may have had our number.
  if (pid === process.pid) return open.has(path);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not ours to signal, but there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
