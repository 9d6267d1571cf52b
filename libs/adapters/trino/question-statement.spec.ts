import { describe, expect, it } from '@jest/globals';
import { recordSchema } from '@k2/domain/market';
import type { Question, ScanPlan } from '@k2/ports';
import { questionStatement } from './question-statement.ts';

const NAMES = { catalog: 'la"ke', locationOf: (key: string) => `s3://b/${key}`, filesMax: 3 };
const TICKS: Question = { kind: 'ticks', recordType: 'trades', filter: {}, order: 'oldest-first', limit: 10 };

function plan(files: number, filesTotal = files): ScanPlan {
  return {
    table: 'market_data.trades',
    snapshotId: 9_007_199_254_740_993n,
    committedUs: 0,
    fields: recordSchema('market_data.trades').fields,
    files: Array.from({ length: files }, (_, i) => ({ key: `o'${i}`, rowCount: 5, sizeBytes: 1, timeSpan: null })),
    filesTotal,
    alterations: [],
  };
}

const sqlOf = (question: Question, ...plans: ScanPlan[]) => questionStatement(question, plans, NAMES).sql;

describe('a statement', () => {
  it('reads the snapshot that was planned, of the files that were planned', () => {
    expect(sqlOf(TICKS, plan(2, 9))).toContain(
      `(SELECT * FROM "la""ke"."market_data"."trades" FOR VERSION AS OF 9007199254740993 WHERE "$path" IN ('s3://b/o''0', 's3://b/o''1'))`,
    );
  });

  it('names no files where all of the table are planned', () => {
    expect(sqlOf(TICKS, plan(5))).toContain('FOR VERSION AS OF 9007199254740993 ORDER BY');
  });

  it('names so many files and no more', () => {
    expect(sqlOf(TICKS, plan(3, 4))).toContain('"$path"');
    expect(() => sqlOf(TICKS, plan(4, 5))).toThrow(expect.objectContaining({ kind: 'unsupported' }));
  });

  it('reads a snapshot by the columns of its day', () => {
    const { fields, ...rest } = plan(1);
    const snapshotFields = fields
      .filter(({ name }) => name !== 'vendor_data')
      .map((field) => (field.name === 'price' ? { ...field, name: 'last' } : field));
    const sql = sqlOf(TICKS, { ...rest, fields, snapshotFields });
    expect(sql).toContain('"last" AS "price", "quantity" AS "quantity"');
    expect(sql).toContain('CAST(NULL AS map(varchar, varchar)) AS "vendor_data" FROM "la""ke"');
  });

  it('is none where no file is planned', () => {
    const bars: Question = { kind: 'bars', filter: {}, intervalUs: 1, limit: 1 };
    const symbols: Question = { kind: 'symbols', filter: {}, limit: 1 };
    for (const question of [TICKS, bars, symbols])
      expect(sqlOf(question, { ...plan(0, 4), snapshotId: null })).toBeNull();
  });

  it('sorts everything where the limit leaves nothing out', () => {
    expect(sqlOf(TICKS, plan(2))).not.toContain('LIMIT');
    expect(sqlOf(TICKS, plan(3))).toMatch(/ LIMIT 10$/);
  });
});
