import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openConfigured } from './open-configured.ts';

describe('a data directory whose server is starting', () => {
  let data: string;
  let lock: DatabaseSync;
  const names = (url: string | null) => {
    const holder = { pid: process.pid, startedUs: 0, url, command: 'k2 up --port 0' };
    writeFileSync(join(data, 'server.json'), JSON.stringify(holder));
  };

  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'k2-starting-'));
    lock = new DatabaseSync(join(data, 'lock.db'));
    lock.exec('BEGIN EXCLUSIVE');
  });
  afterEach(() => {
    lock.close();
    rmSync(data, { recursive: true, force: true });
  });

  it.each(['ask', 'load'] as const)('open-configured.starting-server: is waited for, to %s', async (purpose) => {
    names(null);
    const opening = openConfigured(data, purpose, {}, new AbortController().signal);
    await new Promise((resolve) => setTimeout(resolve, 250));
    names('http://127.0.0.1:7999');
    expect((await opening).where).toBe('the server at http://127.0.0.1:7999');
  });

  it('is waited for no longer than the caller wants', async () => {
    names(null);
    const stop = new AbortController();
    const opening = openConfigured(data, 'ask', {}, stop.signal);
    stop.abort();
    await expect(opening).rejects.toMatchObject({ name: 'AbortError' });
  });
});
