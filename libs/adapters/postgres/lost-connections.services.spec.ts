import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CatalogChange, LogLevel, Telemetry } from '@k2/ports';
import { service } from '@k2/testing/services';
import { PostgresTableCatalog } from './postgres-table-catalog.ts';
import { FaultProxy } from './test-support/fault-proxy.ts';
import { clock, TestDatabase } from './test-support/test-database.ts';

const unavailable = { kind: 'unavailable', retryable: true };
let commits = 0;
const change = (changeId: string): CatalogChange => ({
  changeId,
  committedUs: ++commits,
  tables: [],
  progress: [],
  state: new Map(),
});

describe('PostgresTableCatalog whose connections break', () => {
  let database: TestDatabase;
  const closing: { close(): Promise<void> }[] = [];
  const open = async (options: Partial<Parameters<typeof PostgresTableCatalog.open>[0]> = {}) => {
    const catalog = await PostgresTableCatalog.open({ url: database.url, clock, ...options });
    closing.unshift(catalog);
    return catalog;
  };
  const proxied = async () => {
    const proxy = await FaultProxy.before(database.url);
    closing.push(proxy);
    return proxy;
  };
  beforeEach(async () => {
    database = await TestDatabase.create(service('postgres'));
  });
  afterEach(async () => {
    for (const one of closing.splice(0)) await one.close();
    await database.drop();
  });

  it('outlives the end of every session, idle or not, and goes on', async () => {
    const lines: [LogLevel, string][] = [];
    const catalog = await open({ telemetry: telemetryInto(lines) });
    await Promise.all(Array.from({ length: 4 }, (_, i) => catalog.committed(`warm ${i}`)));
    for (let round = 0; round < 5; round++) {
      expect(await database.terminateSessions()).toBeGreaterThan(0);
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => catalog.tables()));
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(unavailable);
      }
      expect(await catalog.tables()).toEqual(new Map());
    }
    expect(lines).toContainEqual(['warn', expect.stringContaining('idle connection')]);
  });

  it('bounds its waiting for a server that fell silent, and comes back with it', async () => {
    const proxy = await proxied();
    const catalog = await open({ url: proxy.url, answerTimeoutMs: 300, connectTimeoutMs: 300, poolMax: 2 });
    await Promise.all([catalog.tables(), catalog.tables()]);
    proxy.isHalfOpen = true;
    const reads = [catalog.tables(), catalog.progress(), catalog.state(['a']), catalog.committed('a')];
    for (const read of reads) await expect(read).rejects.toMatchObject(unavailable);
    await expect(catalog.apply(change('a'))).rejects.toMatchObject(unavailable);
    proxy.isHalfOpen = false;
    await catalog.apply(change('a'));
    expect(await catalog.committed('a')).toBe(true);
  });

  it('bounds the connections, and the time a call waits for one', async () => {
    const catalog = await open({ poolMax: 2, connectTimeoutMs: 200 });
    await database.query("BEGIN; INSERT INTO k2_changes (change_id, applied_us) VALUES ('waits 1', 0), ('waits 2', 0)");
    const waiting = [1, 2].map((i) => catalog.apply(change(`waits ${i}`)));
    await database.untilWaiting(2);
    await expect(catalog.tables()).rejects.toMatchObject(unavailable);
    await database.query('ROLLBACK');
    // The first is too late if the second overtakes it.
    await Promise.allSettled(waiting);
    expect(await catalog.committed('waits 2')).toBe(true);
    expect(await catalog.tables()).toEqual(new Map());
  });

  it('bounds the time a change waits for a lock, and has done nothing then', async () => {
    const catalog = await open({ statementTimeoutMs: 200 });
    await database.query("BEGIN; INSERT INTO k2_changes (change_id, applied_us) VALUES ('late', 0)");
    const refused = catalog.apply(change('late'));
    await expect(refused).rejects.toMatchObject({ ...unavailable, context: { sqlState: '57014' } });
    await database.query('ROLLBACK');
    expect(await catalog.committed('late')).toBe(false);
    await catalog.apply(change('late'));
  });

  it('finishes what is under way when it is closed, and refuses what comes later', async () => {
    const catalog = await open();
    const applied = catalog.apply(change('a'));
    await Promise.all([catalog.close(), catalog.close()]);
    await applied;
    await expect(catalog.tables()).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
    expect(await (await open()).committed('a')).toBe(true);
  });

  it('is closed at once where the server fell silent', async () => {
    const proxy = await proxied();
    const catalog = await open({ url: proxy.url });
    proxy.isHalfOpen = true;
    await catalog.close();
  });

  it('says what is wrong with the server or the URL, without the password', async () => {
    const url = (change: (url: URL) => void) => {
      const changed = new URL(database.url);
      changed.password = 'secret';
      change(changed);
      return changed.href;
    };
    const closedPort = await unusedPort();
    const wrong: [url: string, retryable: boolean, message: RegExp][] = [
      [url((to) => (to.port = String(closedPort))), true, new RegExp(`127.0.0.1:${closedPort}.*ECONNREFUSED`)],
      [url((to) => (to.pathname = '/k2_missing')), false, /k2_missing.*create the database/],
      [url((to) => to.searchParams.set('sslmode', 'require')), false, /does not support SSL/],
      [url((to) => to.searchParams.set('sslrootcert', '/missing/ca.pem')), false, /\/missing\/ca\.pem: ENOENT/],
    ];
    for (const [target, retryable, message] of wrong) {
      const refused = await open({ url: target }).catch((error: unknown) => error as Error);
      expect(refused).toMatchObject({ kind: 'unavailable', retryable, message: expect.stringMatching(message) });
      expect(JSON.stringify({ ...refused, message: (refused as Error).message })).not.toContain('secret');
    }
  });
});

function telemetryInto(lines: [LogLevel, string][]): Telemetry {
  return {
    counter: () => ({ add: () => undefined }),
    histogram: () => ({ record: () => undefined }),
    gauge: () => undefined,
    log: (level, message) => void lines.push([level, message]),
  };
}

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
