import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CatalogChange } from '@k2/ports';
import { service } from '@k2/testing/services';
import { PostgresTableCatalog } from './postgres-table-catalog.ts';
import { FaultProxy } from './test-support/fault-proxy.ts';
import { clock, TestDatabase } from './test-support/test-database.ts';

const topicPartition = { topic: 'market.trades', topicId: 'id-1', partition: 0 };

describe('PostgresTableCatalog whose connection is lost during a commit', () => {
  let database: TestDatabase;
  let proxy: FaultProxy;
  /** Through the proxy. */
  let catalog: PostgresTableCatalog;
  /** Another process's. */
  let other: PostgresTableCatalog;
  const opened: PostgresTableCatalog[] = [];
  const open = async (options: Partial<Parameters<typeof PostgresTableCatalog.open>[0]>) => {
    const one = await PostgresTableCatalog.open({ url: database.url, clock, ...options });
    opened.push(one);
    return one;
  };
  const change: CatalogChange = {
    changeId: 'in doubt',
    committedUs: 1,
    tables: [{ table: 'market.trades', expected: null, next: 't1' }],
    progress: [],
    state: new Map(),
  };
  const unknown = { kind: 'unknown-outcome', retryable: true, context: { changeId: 'in doubt' } };
  const unavailable = { kind: 'unavailable', retryable: true };
  const location = () => other.metadataLocation('market.trades');

  beforeEach(async () => {
    database = await TestDatabase.create(service('postgres'));
    proxy = await FaultProxy.before(database.url);
    catalog = await open({ url: proxy.url });
    other = await open({});
  });
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
    await proxy.close();
    await database.drop();
  });

  it('knows by asking that a commit took effect whose reply was lost, and takes it once', async () => {
    proxy.commitFault = 'swallow-reply';
    await expect(catalog.apply(change)).rejects.toMatchObject(unknown);
    proxy.commitFault = 'none';
    expect(await catalog.committed('in doubt')).toBe(true);
    await catalog.apply(change);
    expect(await location()).toBe('t1');
  });

  it('does not answer "no" while the COMMIT may still arrive: it arrives', async () => {
    proxy.commitFault = 'hold';
    await expect(catalog.apply(change)).rejects.toMatchObject(unknown);
    proxy.commitFault = 'none';
    const answers = Promise.all([catalog.committed('in doubt'), other.committed('in doubt')]);
    await database.untilWaiting(2);
    expect(await location()).toBeNull();
    proxy.deliverHeld();
    expect(await answers).toEqual([true, true]);
    expect(await location()).toBe('t1');
  });

  it('does not answer "no" while the COMMIT may still arrive: it never does', async () => {
    proxy.commitFault = 'hold';
    await expect(catalog.apply(change)).rejects.toMatchObject(unknown);
    proxy.commitFault = 'none';
    const answer = catalog.committed('in doubt');
    await database.untilWaiting(1);
    proxy.loseHeld();
    expect(await answer).toBe(false);
    await catalog.apply(change);
    expect(await location()).toBe('t1');
  });

  it('makes an end of a transaction whose client fell silent, so that its COMMIT comes too late', async () => {
    const impatient = await open({ url: proxy.url, idleInTransactionTimeoutMs: 300 });
    proxy.commitFault = 'hold';
    await expect(impatient.apply(change)).rejects.toMatchObject(unknown);
    proxy.commitFault = 'none';
    expect(await other.committed('in doubt')).toBe(false);
    proxy.deliverHeld();
    await other.apply({
      ...change,
      changeId: 'instead',
      committedUs: 2,
      tables: [{ ...change.tables[0], next: 't2' }],
    });
    expect(await location()).toBe('t2');
    expect(await other.committed('in doubt')).toBe(false);
  });

  it('says that it cannot know yet, after a bounded time', async () => {
    const impatient = await open({ statementTimeoutMs: 200 });
    proxy.commitFault = 'hold';
    await expect(catalog.apply(change)).rejects.toMatchObject(unknown);
    await expect(impatient.committed('in doubt')).rejects.toMatchObject(unavailable);
    proxy.deliverHeld();
    await database.until("SELECT EXISTS (SELECT FROM k2_changes WHERE change_id = 'in doubt') AS reached");
    expect(await impatient.committed('in doubt')).toBe(true);
  });

  it('waits with the same change, given again, for the outcome of the first', async () => {
    proxy.commitFault = 'hold';
    await expect(catalog.apply(change)).rejects.toMatchObject(unknown);
    proxy.commitFault = 'none';
    const again = other.apply(change);
    await database.untilWaiting(1);
    proxy.deliverHeld();
    await again;
    expect(await location()).toBe('t1');
    expect(await database.query('SELECT change_id FROM k2_changes')).toEqual([{ change_id: 'in doubt' }]);
  });

  it('has done nothing where the connection was lost before COMMIT was sent', async () => {
    await database.query('BEGIN; LOCK TABLE k2_last_commit IN EXCLUSIVE MODE');
    const applied = catalog.apply(change);
    const refused = expect(applied).rejects.toMatchObject(unavailable);
    await database.untilWaiting(1);
    expect(await database.terminateSessions()).toBeGreaterThan(0);
    await refused;
    await database.query('ROLLBACK');
    expect(await database.query('SELECT * FROM k2_changes')).toEqual([]);
    const again = await open({});
    await again.apply(change);
    expect(await again.metadataLocation('market.trades')).toBe('t1');
  });

  it('lets no claim arrive late and fence a writer that came after it', async () => {
    proxy.commitFault = 'hold';
    await expect(catalog.claim('lost', [topicPartition])).rejects.toMatchObject(unavailable);
    proxy.commitFault = 'none';
    const claiming = other.claim('successor', [topicPartition]);
    await database.untilWaiting(1);
    proxy.deliverHeld();
    const [claim] = await claiming;
    expect(claim.epoch).toBe(2);
    await other.apply({ ...change, progress: [{ claim, nextOffset: 1 }] });
  });
});
