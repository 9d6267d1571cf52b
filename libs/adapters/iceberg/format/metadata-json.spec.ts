import { describe, expect, it } from '@jest/globals';
import { TRADES_SCHEMA } from '@k2/domain/market';
import fc from 'fast-check';
import { newTable } from '../commit/new-table.ts';
import { parseMetadata, printMetadata } from './metadata-json.ts';
import type { Snapshot, TableMetadata } from './metadata.ts';

const EMPTY_TABLE = newTable(TRADES_SCHEMA, {
  location: 'file:///lake/trades',
  uuid: 'u',
  createdMs: 1,
  metadataVersionsMax: 100,
  isRemade: false,
});
const int63 = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });

describe('metadata as JSON', () => {
  it('keeps every 63-bit snapshot id to the last digit', () => {
    fc.assert(
      fc.property(
        fc.array(int63, { minLength: 1, maxLength: 5 }),
        fc.dictionary(fc.string(), fc.string()),
        (ids, properties) => {
          const table = tableWith(ids, properties);
          expect(parseMetadata(printMetadata(table))).toEqual(table);
        },
      ),
    );
  });

  it('writes ids as JSON numbers, as every other reader expects them', () => {
    expect(printMetadata(tableWith([9_223_372_036_854_775_807n], {}))).toContain(
      '"current-snapshot-id":9223372036854775807,',
    );
  });

  it('takes text that looks like an id for text', () => {
    const table = tableWith([1n], { 'snapshot-id': '9223372036854775807' });
    expect(parseMetadata(printMetadata(table)).properties).toEqual({ 'snapshot-id': '9223372036854775807' });
  });

  it.each(['-1', 'null'])('knows a table without a snapshot by %s', (none) => {
    const text = printMetadata(EMPTY_TABLE).replace('{', `{"current-snapshot-id":${none},`);
    expect(parseMetadata(text)).toEqual(EMPTY_TABLE);
  });

  it('keeps what it does not know', () => {
    const text = printMetadata(EMPTY_TABLE).replace('{', '{"statistics":[{"snapshot-id":9223372036854775807}],');
    expect(printMetadata(parseMetadata(text))).toContain('"statistics":[{"snapshot-id":9223372036854775807}]');
  });

  it('refuses another format version', () => {
    expect(() => parseMetadata('{"format-version":3,"location":"x"}')).toThrow(
      'format version 3 of x is not supported',
    );
  });
});

function tableWith(ids: readonly bigint[], properties: Readonly<Record<string, string>>): TableMetadata {
  const snapshots = ids.map((id, index): Snapshot => ({
    'snapshot-id': id,
    ...(index === 0 ? {} : { 'parent-snapshot-id': ids[index - 1] }),
    'sequence-number': index + 1,
    'timestamp-ms': 1_700_000_000_000 + index,
    'manifest-list': `file:///lake/${id}.avro`,
    summary: { operation: 'append' },
  }));
  return {
    ...EMPTY_TABLE,
    properties,
    'current-snapshot-id': ids.at(-1)!,
    refs: { main: { 'snapshot-id': ids.at(-1)!, type: 'branch' } },
    snapshots,
    'snapshot-log': ids.map((id, index) => ({ 'timestamp-ms': index, 'snapshot-id': id })),
  };
}
