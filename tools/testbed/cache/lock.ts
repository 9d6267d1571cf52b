import { rm, stat, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const heartbeatMs = 2_000;
/** A lock whose holder has not shown itself for so long is nobody's. */
const abandonedMs = 15_000;
const lookAgainMs = 200;

/**
 * Does the work while no other process holds the lock of that file. Calls `wait` before each look at a lock that
 * another one holds; where it returns true, the work is not wanted any more. A holder that sleeps too long (as a whole
 * machine may) loses the lock: use it to save work, not where two at once would do harm.
 */
export async function withLock<Result>(
  file: string,
  work: () => Promise<Result>,
  wait: () => boolean,
): Promise<Result | undefined> {
  while (!(await take(file))) {
    if (wait()) return undefined;
    await delay(lookAgainMs);
  }
  const heartbeat = setInterval(() => void utimes(file, new Date(), new Date()).catch(() => {}), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<boolean> {
  try {
    await writeFile(file, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const ageMs = await stat(file).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => 0,
  );
  if (ageMs > abandonedMs) await rm(file, { force: true });
  return false;
}
