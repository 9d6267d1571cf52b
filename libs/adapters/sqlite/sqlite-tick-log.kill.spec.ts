import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SqliteTickLog } from './sqlite-tick-log.ts';

const script = fileURLToPath(new URL('./test-processes/append-forever.ts', import.meta.url));
const KILLS = 3;

describe('SqliteTickLog killed with SIGKILL while appending', () => {
  it('has every acknowledged append, each once and whole, and goes on from there', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'k2-kill-'));
    const path = join(directory, 'log.db');
    const acknowledged = new Map<number, number>();
    for (let kill = 1; kill <= KILLS; kill++) {
      const before = acknowledged.size;
      await appendUntilKilled(path, acknowledged, 40 * kill);
      expect(acknowledged.size).toBeGreaterThan(before);
    }

    const log = await SqliteTickLog.open({
      clock: { nowUs: () => Date.now() * 1_000, monotonicUs: () => performance.now() * 1_000 },
      path,
      scheduler: { sleep: async (ms) => void (await sleep(ms)), yield: () => sleep(0) },
      random: { next: () => 0.5, uuid: () => randomUUID(), int63: () => 1n },
    });
    try {
      const stored = await firstSequences(log);
      const [{ endOffset }] = await log.offsets(['kill']);
      expect(stored.size).toBe(endOffset);
      for (const [offset, first] of acknowledged) expect([offset, stored.get(offset)]).toEqual([offset, first]);
    } finally {
      await log.close();
      await rm(directory, { recursive: true });
    }
  }, 60_000);
});

/** Adds what the child says was acknowledged, by offset, until it has said `count` lines. */
async function appendUntilKilled(path: string, acknowledged: Map<number, number>, count: number): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=k2-source', '--no-warnings', script, path], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (output.split('\n').length > count) child.kill('SIGKILL');
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error(`the child ended by itself with ${code ?? signal}: ${errors}`);
  // The last line may have been cut off.
  for (const line of output.slice(0, output.lastIndexOf('\n')).split('\n')) {
    const [offset, first] = line.split(' ').map(Number);
    acknowledged.set(offset, first);
  }
}

/** First sequence of each record; fails on one that is not whole. */
async function firstSequences(log: SqliteTickLog): Promise<Map<number, number>> {
  const found = new Map<number, number>();
  for (;;) {
    const positions = [{ topic: 'kill', partition: 0, nextOffset: found.size }];
    const records = await log.read({ positions, bytesMax: 1 << 20, waitMs: 0 });
    if (records.length === 0) return found;
    for (const { offset, payload } of records) {
      if (payload.kind !== 'ticks') throw new Error(`offset ${offset} is ${payload.kind}`);
      const { venueSequence, rowCount } = payload.batch;
      expect(venueSequence[rowCount - 1] - venueSequence[0]).toBe(49);
      found.set(offset, venueSequence[0]);
    }
  }
}
