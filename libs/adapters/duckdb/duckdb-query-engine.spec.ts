import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { TRADES_SCHEMA, utf8At, type RecordField } from '@k2/domain/market';
import type { Answer } from '@k2/ports';
import { placed, plannedRows, tradeBatch } from '@k2/testing/builders';
import { answerRows } from '@k2/testing/contracts';
import { engineOver, sql, ticks, type Fixture } from './test-support/fixture.ts';
import { quoted } from './test-support/local-lake.ts';

const ASK = { timeoutMs: 20_000 };
const SLOW = 'SELECT sum(hash(a.i, b.i)) FROM range(1000000) AS a(i), range(10000000) AS b(i)';

const TRADE = {
  symbol: 'BHP',
  exchange: 'ASX',
  asset_class: 'equities',
  timestamp: 1,
  price: '1.5',
  quantity: '2',
  currency: 'AUD',
  side: 'BUY',
  source_sequence: 1,
  session: 's',
  ingestion_timestamp: 1,
  platform_sequence: 1,
};

describe('DuckDbQueryEngine', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());

  const rows = plannedRows({
    ticks: [placed(tradeBatch({ count: 3 })), placed(tradeBatch({ count: 50_000, firstSequence: 4 }))],
  });

  it('reads files written before a column was renamed, added or widened', async () => {
    fixture = await engineOver(plannedRows());
    const { lake, engine } = fixture;
    const old: RecordField[] = TRADES_SCHEMA.fields
      .filter(({ name }) => name !== 'trade_conditions')
      .map((field) => {
        return field.name === 'price' ? { ...field, name: 'px' } : field;
      });
    const { price: _, ...row } = TRADE;
    const before = await lake.write(
      { fields: old.map((field) => (field.name === 'platform_sequence' ? { ...field, type: 'int' } : field)) },
      [{ ...row, px: '1.5' }],
    );
    const after = await lake.write(TRADES_SCHEMA, [
      { ...row, source_sequence: 2, price: '2.5', trade_conditions: ['XT'] },
    ]);
    const plans = [lake.plan(TRADES_SCHEMA, [before, after])];
    const question = ticks({ fields: ['price', 'trade_conditions', 'platform_sequence', 'message_id'] });
    expect(await answerRows(await engine.ask(question, plans, ASK))).toEqual([
      { price: '1.5', trade_conditions: null, platform_sequence: 1, message_id: 'ASX/BHP/s/1' },
      { price: '2.5', trade_conditions: ['XT'], platform_sequence: 1, message_id: 'ASX/BHP/s/2' },
    ]);
    expect(await answerRows(await engine.ask(sql('SELECT sum(price) AS p FROM trades'), plans, ASK))).toEqual([
      { p: '4' },
    ]);
  });

  it('multiplies prices by quantities exactly, as far as trades go', async () => {
    fixture = await engineOver(plannedRows());
    const { lake, engine } = fixture;
    const file = await lake.write(TRADES_SCHEMA, [
      { ...TRADE, price: '1000000.12345678', quantity: '1000000000.87654321' },
      { ...TRADE, source_sequence: 2, price: '-9999999999.99999999', quantity: '9999999999.99999999' },
      { ...TRADE, source_sequence: 3, price: '36.5', quantity: '200' },
    ]);
    const plans = [lake.plan(TRADES_SCHEMA, [file])];
    const answer = await engine.ask(
      sql('SELECT price, price * quantity AS value FROM trades ORDER BY source_sequence'),
      plans,
      ASK,
    );
    expect(answer.columns.map(({ scale }) => scale)).toEqual([8, 16]);
    expect(await answerRows(answer)).toEqual([
      { price: '1000000.12345678', value: '1000000124333323.3182152022374638' },
      { price: '-9999999999.99999999', value: '-99999999999999999800.0000000000000001' },
      { price: '36.5', value: '7300' },
    ]);
    const sums = sql(
      'SELECT sum(price * quantity) AS value, [price, 2.50] AS two FROM trades WHERE price > 0 GROUP BY price ORDER BY price',
    );
    const values = await textsOf(await engine.ask(sums, plans, ASK), 'value');
    expect(values).toEqual(['7300', '1000000124333323.3182152022374638']);
    const lists = await textsOf(await engine.ask(sums, plans, ASK), 'two');
    expect(lists).toEqual(['["36.5","2.5"]', '["1000000.12345678","2.5"]']);
    const scanned = await engine.ask(sql('SELECT price FROM trades ORDER BY price LIMIT 2'), plans, ASK);
    for await (const { columns } of scanned.batches) {
      expect(columns).toEqual([
        { kind: 'decimal', values: BigInt64Array.of(-999_999_999_999_999_999n, 3_650_000_000n) },
      ]);
    }
  });

  it('reads only what a filter of user SQL leaves, through its views', async () => {
    const { openDatabase } = await import('./engine-database.ts');
    fixture = await engineOver(rows);
    const { lake, plans } = fixture;
    const database = await openDatabase({ mode: 'sql', threads: 1, duckDbMemoryBytesMax: 500_000_000 });
    const scans = plans.map(({ table, fields, files }) => ({
      table,
      fields,
      paths: files.map(({ key }) => lake.path(key)),
    }));
    await database.lockDown(scans, undefined);
    const filter = `symbol = 'BHP' AND "timestamp" < '1980-01-01'`;
    const explained = await database.connection.runAndReadAll(`EXPLAIN SELECT price FROM trades WHERE ${filter}`);
    const scan = String(explained.getRows()[0][1]).replaceAll(/[\s│─]/g, '');
    expect(scan).toMatch(/READ_PARQUET.*Filters:symbol='BHP'timestamp</);
    expect(scan).not.toContain('quantity');
    database.close();
  });

  it('names an unknown column and what comes near it, in a line', async () => {
    fixture = await engineOver(rows);
    const failure = (text: string) =>
      fixture.engine.ask(sql(text), fixture.plans, ASK).catch((error: Error) => error.message);
    expect(await failure('SELECT prise FROM trades')).toMatch(/^there is no column "prise"; the nearest are price, /);
    expect(await failure('SELECT t.prise FROM trades t')).toBe('there is no column "prise"');
    expect(await failure('SELECT upper(1, 2)')).toMatch(
      /^Binder Error: No function matches [^\n]*\n[^\n]*upper\(VARCHAR\) -> VARCHAR$/,
    );
  });

  it('makes message ids of any texts, and of each only where it is asked for', async () => {
    fixture = await engineOver(plannedRows());
    const { lake, engine } = fixture;
    const sessions = ['', 'a/b%', 'a session whose label is long ü', 'a session whose label is long ö'];
    const written = Array.from({ length: 400 }, (_, at) => ({
      ...TRADE,
      session: sessions[at % 4],
      symbol: `S${at % 3}`,
      source_sequence: at,
    }));
    const plans = [lake.plan(TRADES_SCHEMA, [await lake.write(TRADES_SCHEMA, written)])];
    const question = ticks({ fields: ['price', 'message_id', 'session'], limit: 1_000 });
    const expected = written.map(({ symbol, session, source_sequence }) => ({
      price: '1.5',
      message_id: `ASX/${symbol}/${session.replaceAll('%', '%25').replaceAll('/', '%2F')}/${source_sequence}`,
      session,
    }));
    const byId = (a: Record<string, unknown>, b: Record<string, unknown>) =>
      String(a['message_id']) < String(b['message_id']) ? -1 : 1;
    expect((await answerRows(await engine.ask(question, plans, ASK))).sort(byId)).toEqual(expected.sort(byId));
    const path = lake.path('ids.parquet');
    await engine.exportParquet(question, plans, path, ASK);
    expect(await lake.run(`SELECT message_id FROM ${quoted(path)} ORDER BY ALL`)).toEqual(
      expected.map(({ message_id }) => ({ message_id })),
    );
  });

  it('exports typed questions as Parquet, fields in the order asked', async () => {
    fixture = await engineOver(rows);
    const path = fixture.lake.path('ticks.parquet');
    const question = ticks({ fields: ['price', 'timestamp', 'trade_conditions'], limit: 2 });
    expect(await fixture.engine.exportParquet(question, fixture.plans, path, ASK)).toEqual({ rowCount: 2 });
    const [{ names, codec }] = await fixture.lake.run(
      `SELECT string_agg(path_in_schema, ' ') AS names, any_value(compression) AS codec FROM parquet_metadata(${quoted(path)})`,
    );
    expect([names, codec]).toEqual(['price timestamp trade_conditions, list, element', 'ZSTD']);
  });

  it('refuses rows so large that the reader could not hold a few batches of them', async () => {
    fixture = await engineOver(rows);
    const large = sql("SELECT repeat('x', 1000000) || i AS x FROM range(100) AS t(i)");
    await expect(fixture.engine.ask(large, fixture.plans, ASK)).rejects.toMatchObject({ kind: 'out-of-memory' });
    const wide = await fixture.engine.ask(
      sql("SELECT repeat('x', 1000) || i AS x FROM range(10000) AS t(i)", 9_000),
      fixture.plans,
      ASK,
    );
    const rowCounts: number[] = [];
    for await (const { rowCount } of wide.batches) rowCounts.push(rowCount);
    expect(rowCounts).toEqual([2_048, 4_096, 2_856]);
  });

  it('leaves no part of a file where an export fails', async () => {
    fixture = await engineOver(rows);
    const { lake, engine, plans } = fixture;
    const failing = engine.exportParquet(
      sql("SELECT CASE WHEN source_sequence > 40000 THEN error('no more') ELSE symbol END AS s FROM trades", 1e9),
      plans,
      lake.path('x.parquet'),
      ASK,
    );
    await expect(failing).rejects.toMatchObject({ kind: 'invalid-query' });
    await engine.close();
    expect(lake.files().filter((name) => name.startsWith('x.'))).toEqual([]);
  });

  it('replaces a process that has served its time', async () => {
    fixture = await engineOver(rows, { typedProcesses: 1, questionsPerProcessMax: 2 });
    const { engine, plans } = fixture;
    const before = engineProcesses(process.pid);
    for (let i = 0; i < 5; i++)
      expect(await answerRows(await engine.ask(ticks({ limit: 1 }), plans, ASK))).toHaveLength(1);
    expect(engineProcesses(process.pid).filter((pid) => before.includes(pid))).toHaveLength(1);
  });

  it('holds the planned files while a question runs, and no longer', async () => {
    fixture = await engineOver(rows);
    const { lake, engine, plans } = fixture;
    const answer = await engine.ask(ticks({ limit: 60_000 }), plans, ASK);
    for await (const _batch of answer.batches) break;
    await expect(engine.ask(sql('SELECT nonsense'), plans, ASK)).rejects.toThrow('nonsense');
    await expect(engine.ask(sql(SLOW), plans, { timeoutMs: 200 })).rejects.toMatchObject({ kind: 'timeout' });
    await engine.close();
    expect(lake.filesInUse).toBe(0);
  });

  it('says which planned file it cannot have, and gives back the others', async () => {
    fixture = await engineOver(rows);
    const { lake, engine } = fixture;
    await expect(
      engine.ask(ticks(), [lake.plan(TRADES_SCHEMA, ['1.parquet', 'gone.parquet'])], ASK),
    ).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await answerRows(await engine.ask(ticks(), fixture.plans, ASK))).toHaveLength(100);
    expect(lake.filesInUse).toBe(0);
  });

  it('refuses as overloaded at its bounds, with the numbers, and recovers', async () => {
    fixture = await engineOver(rows, { sqlProcesses: 1, waitingMax: 2 });
    const { engine, plans } = fixture;
    const asked = Array.from({ length: 4 }, () => engine.ask(sql(SLOW), plans, { timeoutMs: 500 }));
    const outcomes = await Promise.allSettled(asked);
    const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : null));
    expect(reasons.map((reason) => reason.kind).sort()).toEqual(['overloaded', 'timeout', 'timeout', 'timeout']);
    const context = { running: 1, runningMax: 1, waiting: 2, waitingMax: 2 };
    expect(reasons.find(({ kind }) => kind === 'overloaded')).toMatchObject({ context, retryable: true });
    expect(await answerRows(await engine.ask(sql('SELECT 1 AS one'), plans, ASK))).toEqual([{ one: 1 }]);
  });

  it("cancels a waiting and a running question at the caller's signal", async () => {
    fixture = await engineOver(rows, { sqlProcesses: 1 });
    const { engine, plans } = fixture;
    const controller = new AbortController();
    const asked = [1, 2].map(() => engine.ask(sql(SLOW), plans, { ...ASK, signal: controller.signal }));
    const outcomes = Promise.allSettled(asked);
    await sleep(100);
    controller.abort();
    expect((await outcomes).map((outcome) => (outcome.status === 'rejected' ? outcome.reason.kind : ''))).toEqual([
      'cancelled',
      'cancelled',
    ]);
    expect(await answerRows(await engine.ask(sql('SELECT 1 AS one'), plans, ASK))).toEqual([{ one: 1 }]);
  });

  it('times a reader out that does not read', async () => {
    fixture = await engineOver(rows, { typedProcesses: 1 });
    const { engine, plans } = fixture;
    const idle = await engine.ask(ticks({ limit: 60_000 }), plans, { timeoutMs: 700 });
    await sleep(750);
    await expect(answerRows(idle)).rejects.toMatchObject({ kind: 'timeout' });
    expect(await answerRows(await engine.ask(ticks(), plans, ASK))).toHaveLength(100);
  });

  it('says unavailable where the process dies, and replaces it', async () => {
    fixture = await engineOver(rows, { sqlProcesses: 1 });
    const { engine, plans } = fixture;
    const asked = engine.ask(sql(SLOW), plans, ASK);
    const outcome = expect(asked).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    await sleep(100);
    for (const pid of engineProcesses(process.pid)) process.kill(pid, 'SIGKILL');
    await outcome;
    expect(await answerRows(await engine.ask(sql('SELECT 1 AS one'), plans, ASK))).toEqual([{ one: 1 }]);
    expect(await answerRows(await engine.ask(ticks(), plans, ASK))).toHaveLength(100);
  });

  it('ends every process on close, and what runs in them', async () => {
    fixture = await engineOver(rows);
    const { engine, plans } = fixture;
    const outcome = expect(engine.ask(sql(SLOW), plans, ASK)).rejects.toMatchObject({ kind: 'unavailable' });
    await sleep(100);
    expect(engineProcesses(process.pid).length).toBeGreaterThan(0);
    await engine.close();
    await outcome;
    expect(engineProcesses(process.pid)).toEqual([]);
    await expect(engine.ask(sql('SELECT 1'), plans, ASK)).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('leaves no process behind when the server is killed', async () => {
    fixture = await engineOver(plannedRows());
    const parent = spawn(
      process.execPath,
      ['--conditions=k2-source', new URL('./test-support/warm-engine.ts', import.meta.url).pathname],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await new Promise((resolve) => parent.stdout.once('data', resolve));
    const children = engineProcesses(parent.pid!);
    expect(children).toHaveLength(3);
    parent.kill('SIGKILL');
    await new Promise((resolve) => parent.once('exit', resolve));
    const alive = () => children.filter(isAlive);
    for (let i = 0; i < 100 && alive().length > 0; i++) await sleep(50);
    expect(alive()).toEqual([]);
  }, 30_000);
});

/** A column's texts as the engine gives them: `answerRows` would hide zeros at their end. */
async function textsOf(answer: Answer, name: string): Promise<readonly string[]> {
  const texts: string[] = [];
  const at = answer.columns.findIndex((column) => column.name === name);
  for await (const { columns, rowCount } of answer.batches) {
    const column = columns[at];
    if (column.kind !== 'utf8') throw new Error(`${name} is ${column.kind}`);
    for (let row = 0; row < rowCount; row++) texts.push(String(utf8At(column.values, row)));
  }
  return texts;
}

function engineProcesses(parent: number): readonly number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return table
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .filter(([, , ppid, args]) => Number(ppid) === parent && args.includes('engine-child'))
    .map(([, pid]) => Number(pid));
}

/** A zombie has ended; only nobody has asked yet. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}
