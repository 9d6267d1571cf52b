import { expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLogDatabase } from './log-database.ts';

const MIB = 2 ** 20;

it('the log takes little room beside its records: its write-ahead file stays small, whatever goes through it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'k2-log-'));
  try {
    const path = join(directory, 'log.db');
    const log = openLogDatabase(path);
    log.declareTopic('t', 1, 'block', 'id');
    const [{ partitionKey }] = log.topics().value[0].partitions;
    const sizes = Array.from({ length: 12 }, () => {
      log.append([{ partitionKey, payload: new Uint8Array(MIB) }], 0);
      return statSync(`${path}-wal`).size;
    });
    log.close();
    // What is moved to the database, and the transaction that came on top.
    expect(Math.max(...sizes)).toBeLessThan(4 * MIB + 2 * MIB);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
