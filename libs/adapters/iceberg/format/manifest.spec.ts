import { describe, expect, it } from '@jest/globals';
import { TRADES_SCHEMA } from '@k2/domain/market';
import fc from 'fast-check';
import { readAvroFile } from './avro-file.ts';
import { readManifest, writeManifest, type DataFile, type ManifestEntry } from './manifest.ts';
import {
  entryCounts,
  partitionSummaries,
  readManifestList,
  summaryRange,
  writeManifestList,
  type ManifestFile,
} from './manifest-list.ts';
import { partitionSpecOf, schemaOf } from './schema.ts';
import type { PartitionValue } from './transforms.ts';

const SCHEMA = schemaOf(TRADES_SCHEMA);
const SPEC = partitionSpecOf(TRADES_SCHEMA);

const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const counts = fc.array(fc.tuple(fc.integer({ min: 1, max: 18 }), count)).map((pairs) => new Map(pairs));
const bounds = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 18 }), fc.uint8Array({ maxLength: 20 })))
  .map((pairs) => new Map(pairs));
const int63 = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });

const dataFile: fc.Arbitrary<DataFile> = fc.record({
  path: fc.string({ unit: 'grapheme' }),
  partition: fc.tuple<PartitionValue[]>(
    fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
    fc.option(fc.string({ unit: 'grapheme' })),
  ),
  recordCount: count,
  sizeBytes: count,
  columnSizes: counts,
  valueCounts: counts,
  nullValueCounts: counts,
  lowerBounds: bounds,
  upperBounds: bounds,
  splitOffsets: fc.array(count),
  sortOrderId: fc.option(fc.nat()),
});

const entry: fc.Arbitrary<ManifestEntry> = fc.record({
  status: fc.constantFrom('existing', 'added', 'deleted'),
  snapshotId: fc.option(int63),
  dataSequenceNumber: fc.option(count),
  fileSequenceNumber: fc.option(count),
  file: dataFile,
});

describe('manifests', () => {
  it('give every entry back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 4 }), async (entries) => {
        const back = await readManifest(await writeManifest(SCHEMA, SPEC, entries), SPEC);
        expect(plain(back)).toEqual(plain(entries));
      }),
    );
  });

  it('carry the keys and field ids by which other engines read them', async () => {
    const { metadata } = await readAvroFile(await writeManifest(SCHEMA, SPEC, []));
    expect([...metadata.keys()].sort()).toEqual(
      [
        'avro.codec',
        'avro.schema',
        'content',
        'format-version',
        'partition-spec',
        'partition-spec-id',
        'schema',
        'schema-id',
      ].sort(),
    );
    // The fields only, not the whole spec.
    expect(JSON.parse(metadata.get('partition-spec')!)).toEqual(SPEC.fields);
    expect(JSON.parse(metadata.get('schema')!)).toEqual(SCHEMA);
    const text = metadata.get('avro.schema')!;
    for (const id of [
      '"field-id":134',
      '"field-id":117',
      '"element-id":133',
      '"field-id":1001',
      '"logicalType":"map"',
      '"logicalType":"date"',
    ]) {
      expect(text).toContain(id);
    }
    const file = JSON.parse(text).fields.find((field: { name: string }) => field.name === 'data_file');
    const partition = file.type.fields.find((field: { name: string }) => field.name === 'partition');
    expect(partition.type).toMatchObject({ type: 'record', name: 'r102' });
  });

  it('are refused where they are cut off or damaged', async () => {
    const bytes = await writeManifest(SCHEMA, SPEC, fc.sample(entry, { numRuns: 3, seed: 1 }));
    await expect(readManifest(bytes.subarray(0, bytes.length - 5), SPEC)).rejects.toThrow('cut-off');
    const damaged = Uint8Array.from(bytes);
    damaged[damaged.length - 1] ^= 1;
    await expect(readManifest(damaged, SPEC)).rejects.toThrow('sync marker');
    await expect(
      readManifest(new TextEncoder().encode('PAR1 this is not Avro at all.........'), SPEC),
    ).rejects.toThrow();
  });
});

describe('manifest lists', () => {
  const summary = fc.record({
    containsNull: fc.boolean(),
    lowerBound: fc.option(fc.uint8Array()),
    upperBound: fc.option(fc.uint8Array()),
  });
  const nat = fc.nat();
  const manifest: fc.Arbitrary<ManifestFile> = fc.record({
    path: fc.string(),
    lengthBytes: count,
    partitionSpecId: nat,
    sequenceNumber: count,
    minSequenceNumber: count,
    addedSnapshotId: int63,
    addedFiles: nat,
    existingFiles: nat,
    deletedFiles: nat,
    addedRows: count,
    existingRows: count,
    deletedRows: count,
    partitions: fc.array(summary, { maxLength: 3 }),
  });

  it('give every manifest back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(manifest, { maxLength: 4 }), int63, async (manifests, snapshotId) => {
        const bytes = await writeManifestList({ snapshotId, parentSnapshotId: null, sequenceNumber: 1 }, manifests);
        expect(plain(await readManifestList(bytes))).toEqual(plain(manifests));
        expect((await readAvroFile(bytes)).metadata.get('snapshot-id')).toBe(String(snapshotId));
      }),
    );
  });

  it('sum up the partitions and entries of a manifest', () => {
    const [file] = fc.sample(dataFile, { numRuns: 1, seed: 1 }) as [DataFile];
    const days = [16_140, null, -3].map((day) => ({ ...file, partition: [day, 'ASX'], recordCount: 10 }));
    const [day, exchange] = partitionSummaries(days, ['date', 'string']);
    expect([day!.containsNull, summaryRange(day!, 'date')]).toEqual([true, { min: -3, max: 16_140 }]);
    expect([exchange!.containsNull, summaryRange(exchange!, 'string')]).toEqual([false, { min: 'ASX', max: 'ASX' }]);
    const entries = (['added', 'existing', 'deleted'] as const).map((status, index): ManifestEntry => ({
      status,
      snapshotId: 1n,
      dataSequenceNumber: status === 'added' ? null : 3,
      fileSequenceNumber: null,
      file: days[index],
    }));
    expect(entryCounts(entries, 7)).toEqual({
      addedFiles: 1,
      existingFiles: 1,
      deletedFiles: 1,
      addedRows: 10,
      existingRows: 10,
      deletedRows: 10,
      minSequenceNumber: 3,
    });
  });
});

/** Buffers and Uint8Arrays of equal bytes alike. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array);
  if (value instanceof Map) return Array.from(value, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  return value;
}
