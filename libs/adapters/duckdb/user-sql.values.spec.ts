import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { plannedRows } from '@k2/testing/builders';
import { utf8At } from '@k2/domain/market';
import { engineOver, sql, type Fixture } from './test-support/fixture.ts';

const ASK = { timeoutMs: 20_000 };

describe('values of user SQL', () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await engineOver(plannedRows({}), { typedProcesses: 1, sqlProcesses: 1 });
  }, 60_000);
  afterAll(() => fixture.close());

  it.each([
    ['binary in a list, in base64 as it is alone', "['\\x00\\xFF'::BLOB, NULL]", 'json', '["AP8=",null]'],
    ['binary in a struct', "{'b': '\\x00\\xFF'::BLOB}", 'json', '{"b":"AP8="}'],
    ['the negative zero in a list', "['-0'::DOUBLE, 0::DOUBLE]", 'json', '[-0,0]'],
    [
      'an integer of any length, as text',
      '123456789012345678901234567890::BIGNUM',
      'string',
      '123456789012345678901234567890',
    ],
  ])('%s', async (_, text, type, value) => {
    await using answer = await fixture.engine.ask(sql(`SELECT ${text} AS x`), fixture.plans, ASK);
    expect(answer.columns).toMatchObject([{ name: 'x', type }]);
    for await (const { columns } of answer.batches) {
      const [column] = columns;
      if (column.kind !== 'utf8') throw new Error(`${column.kind}: expected text`);
      expect(utf8At(column.values, 0)).toBe(value);
    }
  });

  it.each(['row(1, 2)', '[(1, 2)]', "MAP {'k': row(1, 2)}", "{'__proto__': 1}"])(
    'are refused, and the column is named, if they have no names to be read by: %s',
    async (text) => {
      const asked = sql(`SELECT ${text} AS pair`);
      const refusal = { kind: 'invalid-query', message: expect.stringContaining('"pair"') };
      const path = fixture.lake.path('pair.parquet');
      await expect(fixture.engine.ask(asked, fixture.plans, ASK)).rejects.toMatchObject(refusal);
      await expect(fixture.engine.exportParquet(asked, fixture.plans, path, ASK)).rejects.toMatchObject(refusal);
    },
  );
});
