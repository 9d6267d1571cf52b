import { mkdtemp, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Random, Scheduler, TopicPartition } from '@k2/ports';
import { tableCatalogContract, tickLogContract } from '@k2/testing/contracts';
import { SqliteTableCatalog } from './sqlite-table-catalog.ts';
import { SqliteTickLog } from './sqlite-tick-log.ts';

const clock: Clock = { nowUs: () => Date.now() * 1_000, monotonicUs: () => 0 };
const random: Random = { next: () => 0.5, uuid: () => randomUUID(), int63: () => 1n };
const scheduler: Scheduler = {
  sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => undefined),
  yield: () => sleep(0),
};

tickLogContract('sqlite', {
  capabilities: { durable: true, bounded: true, damageable: true, trims: true },
  create: async (options) => {
    const directory = await mkdtemp(join(tmpdir(), 'k2-log-'));
    const path = join(directory, 'log.db');
    const open = () => SqliteTickLog.open({ path, clock, scheduler, random, ...options });
    let log = await open();
    const reopen = async (whileClosed: () => void) => {
      await log.close();
      whileClosed();
      log = await open();
      return log;
    };
    return {
      log,
      reopen: () => reopen(() => {}),
      damage: (at) => reopen(() => overwriteRecord(path, at)),
      close: async () => {
        await log.close();
        await rm(directory, { recursive: true });
      },
    };
  },
});

function overwriteRecord(
  path: string,
  { topic, partition, offset }: TopicPartition & { readonly offset: number },
): void {
  const db = new DatabaseSync(path);
  db.prepare(
    `UPDATE records SET payload = ? WHERE position =
       (SELECT partition_key FROM partitions WHERE topic = ? AND partition = ?) * ? + ?`,
  ).run(new TextEncoder().encode('not a block'), topic, partition, 2 ** 37, offset);
  db.close();
}

tableCatalogContract('sqlite', {
  create: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'k2-catalog-'));
    const opened: SqliteTableCatalog[] = [];
    const open = async () => {
      const catalog = await SqliteTableCatalog.open({ path: join(directory, 'catalog.db'), clock });
      opened.push(catalog);
      return catalog;
    };
    return {
      catalog: await open(),
      another: open,
      close: async () => {
        for (const catalog of opened) await catalog.close();
        await rm(directory, { recursive: true });
      },
    };
  },
});
