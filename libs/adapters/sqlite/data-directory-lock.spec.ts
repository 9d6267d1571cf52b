import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DataDirectoryLock, readHolder } from './data-directory-lock.ts';

const script = fileURLToPath(new URL('./test-processes/hold-lock.ts', import.meta.url));
const options = { command: 'k2 up', clock: { nowUs: () => 1_394_402_400_000_000, monotonicUs: () => 0 } };

describe('DataDirectoryLock', () => {
  let directory: string;
  let child: ChildProcess | null = null;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'k2-lock-'));
  });
  afterEach(async () => {
    if (child !== null) await kill(child);
    child = null;
    await rm(directory, { recursive: true });
  });

  async function holdInAnotherProcess(): Promise<ChildProcess> {
    child = spawn(process.execPath, ['--conditions=k2-source', '--no-warnings', script, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    await once(child.stdout!, 'data');
    return child;
  }

  it('refuses a second holder, names the first, and is free again after release', async () => {
    const lock = await DataDirectoryLock.acquire(join(directory, 'data'), options);
    lock.setUrl('http://127.0.0.1:8080');
    const holder = {
      pid: process.pid,
      url: 'http://127.0.0.1:8080',
      command: 'k2 up',
      startedUs: 1_394_402_400_000_000,
    };
    await expect(DataDirectoryLock.acquire(join(directory, 'data'), options)).rejects.toMatchObject({
      kind: 'directory-locked',
      context: holder,
    });
    expect(await readHolder(join(directory, 'data'))).toEqual(holder);
    lock.release();
    lock.release();
    expect(await readHolder(join(directory, 'data'))).toBeNull();
    (await DataDirectoryLock.acquire(join(directory, 'data'), options)).release();
  });

  it('names the process that holds it: pid, command, url and start', async () => {
    const { pid } = await holdInAnotherProcess();
    await expect(DataDirectoryLock.acquire(directory, options)).rejects.toMatchObject({
      message: expect.stringContaining(
        `process ${pid} (k2 up --test, at http://127.0.0.1:8080, started 2014-03-09T22:00:00.000Z)`,
      ),
    });
    expect(await readHolder(directory)).toMatchObject({ pid, url: 'http://127.0.0.1:8080' });
  });

  it('ends with a process that is killed, whatever it left in server.json', async () => {
    await kill(await holdInAnotherProcess());
    expect(await readdir(directory)).toContain('server.json');
    expect(await readHolder(directory)).toBeNull();
    const lock = await DataDirectoryLock.acquire(directory, options);
    expect(await readHolder(directory)).toMatchObject({ pid: process.pid, url: null });
    lock.release();
  });

  it('knows that somebody holds it although server.json is damaged', async () => {
    const lock = await DataDirectoryLock.acquire(directory, options);
    await writeFile(join(directory, 'server.json'), '{"pid":');
    expect(await readHolder(directory)).toEqual({ pid: null, url: null, command: null, startedUs: null });
    await expect(DataDirectoryLock.acquire(directory, options)).rejects.toMatchObject({ kind: 'directory-locked' });
    lock.release();
  });

  it('is held by nobody where there is no data directory', async () => {
    expect(await readHolder(join(directory, 'nothing'))).toBeNull();
    expect(await readdir(directory)).toEqual([]);
  });
});

async function kill(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  process.kill('SIGKILL');
  await once(process, 'close');
}
