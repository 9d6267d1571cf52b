import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { recordSchema } from '@k2/domain/market';
import type { Answer, AskOptions, Question, ScanPlan } from '@k2/ports';
import { answerRows } from '@k2/testing/contracts';
import { END, FakeTrino, page, QUEUED } from './test-support/fake-trino.ts';
import { HastyTime, noChance } from './test-support/ports.ts';
import { TrinoClient } from './trino-client.ts';
import type { TrinoQueryEngineConfig } from './trino-config.ts';
import { TrinoQueryEngine } from './trino-query-engine.ts';

let trino: FakeTrino;
let time: HastyTime;
beforeEach(async () => {
  time = new HastyTime();
  trino = await FakeTrino.start();
});
afterEach(() => trino.close());

function engineOver(config: Partial<TrinoQueryEngineConfig> = {}): TrinoQueryEngine {
  const ports = { clock: time, scheduler: time, random: noChance };
  const client = new TrinoClient({ ...ports, url: trino.url, user: 'k2', source: 'spec' });
  return new TrinoQueryEngine({ ...ports, client, catalog: 'k2', locationOf: (key) => `s3://b/${key}`, config });
}

const PLAN: ScanPlan = {
  table: 'market_data.trades',
  snapshotId: 1n,
  committedUs: 0,
  fields: recordSchema('market_data.trades').fields,
  files: [{ key: 'f', rowCount: 3, sizeBytes: 1, timeSpan: null }],
  filesTotal: 1,
  alterations: [],
};
const SYMBOLS: Question = {
  kind: 'ticks',
  recordType: 'trades',
  filter: {},
  fields: ['symbol'],
  order: 'oldest-first',
  limit: 10,
};
const ASK: AskOptions = { timeoutMs: 30_000 };
const BHP = page(['symbol'], [['BHP']]);

function ask(engine: TrinoQueryEngine, options = ASK): Promise<Answer> {
  return engine.ask(SYMBOLS, [PLAN], options);
}

function failing(errorName: string, errorType = 'INTERNAL_ERROR') {
  return { body: { id: 'q1', error: { errorName, errorType, message: 'because' } } };
}

describe('TrinoQueryEngine', () => {
  it('says what Trino says in the terms of the port', async () => {
    const engine = engineOver();
    for (const [errorName, errorType, kind] of [
      ['EXCEEDED_TIME_LIMIT', 'INSUFFICIENT_RESOURCES', 'timeout'],
      ['EXCEEDED_LOCAL_MEMORY_LIMIT', 'INSUFFICIENT_RESOURCES', 'out-of-memory'],
      ['CLUSTER_OUT_OF_MEMORY', 'INSUFFICIENT_RESOURCES', 'out-of-memory'],
      ['QUERY_QUEUE_FULL', 'INSUFFICIENT_RESOURCES', 'overloaded'],
      ['NUMERIC_VALUE_OUT_OF_RANGE', 'USER_ERROR', 'invalid-query'],
      ['USER_CANCELED', 'USER_ERROR', 'cancelled'],
      ['SERVER_STARTING_UP', 'INTERNAL_ERROR', 'unavailable'],
      ['ICEBERG_FILESYSTEM_ERROR', 'EXTERNAL', 'unavailable'],
    ]) {
      trino.will(QUEUED, failing(errorName, errorType));
      await expect(ask(engine)).rejects.toMatchObject({ kind, context: { errorName } });
    }
  });

  it('fails the iteration where Trino fails after the first rows', async () => {
    trino.will(BHP, failing('GENERIC_INTERNAL_ERROR'));
    await expect(answerRows(await ask(engineOver()))).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
  });

  it('gives Trino its deadline', async () => {
    trino.will(END);
    await ask(engineOver(), { timeoutMs: 30_000.5 });
    expect(trino.requests[0].headers['x-trino-session']).toBe('query_max_run_time=31001ms');
  });

  it('ends an answer that nobody reads at its deadline, and at the server too', async () => {
    trino.will(BHP);
    const engine = engineOver({ questionsMax: 1 });
    const { batches } = await ask(engine);
    time.passDeadlines();
    await trino.untilAsked('DELETE /v1/page/1');
    await expect(answerRows({ columns: [], batches })).rejects.toMatchObject({
      kind: 'timeout',
      context: { timeoutMs: 30_000 },
    });
    trino.will(END);
    expect(await answerRows(await ask(engine))).toEqual([]);
  });

  it('answers so many questions at a time, unread ones too, and is free again when they end', async () => {
    const engine = engineOver({ questionsMax: 1 });
    trino.will(BHP, BHP, END);
    const { batches } = await ask(engine);
    await expect(ask(engine)).rejects.toMatchObject({ kind: 'overloaded', retryable: true });
    for await (const _batch of batches) break;
    expect(await answerRows(await ask(engine))).toEqual([{ symbol: 'BHP' }]);
  });

  it('asks nothing where nothing is planned', async () => {
    const answer = await engineOver().ask(SYMBOLS, [{ ...PLAN, files: [] }], ASK);
    expect(await answerRows(answer)).toEqual([]);
    expect(trino.requests).toEqual([]);
  });

  it('refuses SQL, exports, and questions too long to be sent', async () => {
    const engine = engineOver({ sqlBytesMax: 1_000 });
    await expect(engine.ask({ kind: 'sql', sql: 'SELECT 1', limit: 1 }, [PLAN], ASK)).rejects.toMatchObject({
      kind: 'unsupported',
    });
    await expect(engine.exportParquet()).rejects.toMatchObject({ kind: 'unsupported' });
    const symbols = Array.from({ length: 100 }, (_, i) => `SYMBOL-${i}`);
    await expect(engine.ask({ ...SYMBOLS, filter: { symbols } }, [PLAN], ASK)).rejects.toMatchObject({
      kind: 'unsupported',
      context: { sqlBytesMax: 1_000 },
    });
    expect(trino.requests).toEqual([]);
  });

  it('ends its questions when it is closed, and answers none after', async () => {
    const engine = engineOver();
    trino.will(BHP);
    const { batches } = await ask(engine);
    await engine.close();
    await expect(answerRows({ columns: [], batches })).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(ask(engine)).rejects.toMatchObject({ kind: 'unavailable' });
    await trino.untilAsked('DELETE /v1/page/1');
  });
});
