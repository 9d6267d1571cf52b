import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BLOCK_SCHEMA } from '@k2/domain/wire';
import type { SchemaRegistry } from '@k2/ports';

export interface SchemaRegistryHarness {
  readonly registry: SchemaRegistry;
  /** A second registry over the same schemas, as another process would open it. */
  another(): Promise<SchemaRegistry>;
  /** That nobody has used: a registry keeps what it was given. */
  newSubject(): string;
  close(): Promise<void>;
}

type Json = object | string;

const trade = (fields: readonly object[], more: object = {}) => ({ type: 'record', name: 'Trade', fields, ...more });
const field = (name: string, type: Json, more: object = {}) => ({ name, type, ...more });
const price = field('price', 'long');
const text = (schema: Json) => JSON.stringify(schema);

const V1 = text(trade([price]));
/** With a field more that has a default. */
const V2 = text(trade([price, field('fee', 'long', { default: 0 })]));
/** Reads V2, and not V1. */
const V3_BREAKS_V1 = text(trade([price, field('fee', 'long')]));

/** What may follow what, under the rule that readers can follow. */
const SUCCESSIONS: readonly (readonly [string, Json, Json, boolean])[] = [
  ['a field without default', trade([price]), trade([price, field('fee', 'long')]), false],
  ['a field with a default', trade([price]), trade([price, field('fee', 'long', { default: 7 })]), true],
  ['a field less', trade([price, field('fee', 'long')]), trade([price]), true],
  ['int read as long', trade([field('n', 'int')]), trade([field('n', 'long')]), true],
  ['long read as double', trade([field('n', 'long')]), trade([field('n', 'double')]), true],
  ['long read as int', trade([field('n', 'long')]), trade([field('n', 'int')]), false],
  ['string read as long', trade([field('n', 'string')]), trade([field('n', 'long')]), false],
  ['a union grows', trade([field('n', ['null', 'long'])]), trade([field('n', ['null', 'long', 'string'])]), true],
  ['a union shrinks', trade([field('n', ['null', 'long'])]), trade([field('n', 'long')]), false],
  ['a type becomes a union', trade([field('n', 'long')]), trade([field('n', ['null', 'long'])]), true],
  ['a symbol more', trade([field('side', side('BUY'))]), trade([field('side', side('BUY', 'SELL'))]), true],
  ['a symbol less', trade([field('side', side('BUY', 'SELL'))]), trade([field('side', side('BUY'))]), false],
  ['items of an array', trade([field('n', array('int'))]), trade([field('n', array('string'))]), false],
  ['values of a map', trade([field('n', map('int'))]), trade([field('n', map('long'))]), true],
  ['size of a fixed', trade([field('id', fixed(8))]), trade([field('id', fixed(16))]), false],
  ['a field of a nested record', trade([field('leg', leg())]), trade([field('leg', leg('n'))]), false],
  ['a branch of a union of records', BLOCK_SCHEMA, BLOCK_SCHEMA.slice(0, 2), false],
];

/** What every SchemaRegistry does, whatever it is made of. Subjects that others use may be in it. */
export function schemaRegistryContract(name: string, { create }: { create(): Promise<SchemaRegistryHarness> }): void {
  describe(`SchemaRegistry: ${name}`, () => {
    let harness: SchemaRegistryHarness;
    let registry: SchemaRegistry;
    let subject: string;
    beforeEach(async () => {
      harness = await create();
      registry = harness.registry;
      subject = harness.newSubject();
    });
    afterEach(() => harness.close());

    it('1 gives a schema by its id and as the newest of its subject', async () => {
      const first = await registry.register(subject, V1);
      expect(JSON.parse(await registry.schemaById(first))).toEqual(JSON.parse(V1));
      expect(await registry.latest(subject)).toMatchObject({ schemaId: first, subject, version: 1 });
      const second = await registry.register(subject, V2);
      expect(second).not.toBe(first);
      const latest = await registry.latest(subject);
      expect(latest).toMatchObject({ schemaId: second, subject, version: 2 });
      expect(JSON.parse(latest.schema)).toEqual(JSON.parse(V2));
      expect(JSON.parse(await registry.schemaById(first))).toEqual(JSON.parse(V1));
    });

    it('2 gives an equal schema the id that it has, however it is written and whoever asks', async () => {
      const first = await registry.register(subject, V1);
      const second = await registry.register(subject, V2);
      const reordered = JSON.stringify(
        { fields: [{ type: 'long', name: 'price' }], name: 'Trade', type: 'record' },
        null,
        2,
      );
      const other = await harness.another();
      expect(await registry.register(subject, V1)).toBe(first);
      expect(await other.register(subject, reordered)).toBe(first);
      expect(await other.register(subject, V2)).toBe(second);
      expect(await registry.latest(subject)).toMatchObject({ schemaId: second, version: 2 });
    });

    it('3 gives twenty who register at once one id', async () => {
      const other = await harness.another();
      const ids = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? registry : other).register(subject, V1)),
      );
      expect(new Set(ids).size).toBe(1);
      expect(await registry.latest(subject)).toMatchObject({ schemaId: ids[0], version: 1 });
    });

    it('4 finds the version that a schema is', async () => {
      expect(await registry.find(subject, V1)).toBeNull();
      const first = await registry.register(subject, V1);
      await registry.register(subject, V2);
      expect(await registry.find(subject, V1)).toMatchObject({ schemaId: first, subject, version: 1 });
      expect(await registry.find(subject, V2)).toMatchObject({ version: 2 });
      expect(await registry.find(subject, V3_BREAKS_V1)).toBeNull();
    });

    it('5 says unknown where nothing is known', async () => {
      await expect(registry.latest(subject)).rejects.toMatchObject({ kind: 'unknown-subject', context: { subject } });
      await expect(registry.schemaById(2_000_000_000)).rejects.toMatchObject({
        kind: 'unknown-schema',
        context: { schemaId: 2_000_000_000 },
      });
    });

    it.each([
      ['no JSON', '{"type"'],
      ['a record without fields', '{"type":"record","name":"Trade"}'],
      ['an unknown type', text(trade([field('leg', 'k2.Leg')]))],
      ['two fields of one name', text(trade([price, price]))],
    ])('6 refuses %s', async (_, schema) => {
      await expect(registry.register(subject, schema)).rejects.toMatchObject({ kind: 'invalid-schema' });
      await expect(registry.check(subject, schema)).rejects.toMatchObject({ kind: 'invalid-schema' });
      await registry.register(subject, V1);
      await expect(registry.check(subject, schema)).rejects.toMatchObject({ kind: 'invalid-schema' });
    });

    it('7 checks against every version, whatever the rule of the subject, and changes nothing', async () => {
      expect(await registry.check(subject, V1)).toEqual({ isCompatible: true, reasons: [] });
      await expect(registry.latest(subject)).rejects.toMatchObject({ kind: 'unknown-subject' });
      await registry.register(subject, V1);
      expect(await registry.check(subject, V2)).toEqual({ isCompatible: true, reasons: [] });
      await registry.register(subject, V2);
      const report = await registry.check(subject, V3_BREAKS_V1);
      expect(report.isCompatible).toBe(false);
      expect(report.reasons.join()).toContain('fee');
      expect(await registry.latest(subject)).toMatchObject({ version: 2 });
    });

    it('8 refuses versions that readers could not follow, from before the first on', async () => {
      await registry.enforceCompatibility(subject);
      await registry.enforceCompatibility(subject);
      await registry.register(subject, V1);
      await registry.register(subject, V2);
      const refusal = await registry.register(subject, V3_BREAKS_V1).then(
        () => null,
        (error: unknown) => error as { kind: string; context: { reasons: string[] } },
      );
      expect(refusal).toMatchObject({ kind: 'incompatible', retryable: false, context: { subject } });
      expect(refusal?.context.reasons.join()).toContain('fee');
      expect(await registry.latest(subject)).toMatchObject({ version: 2 });
      expect((await registry.check(subject, V3_BREAKS_V1)).isCompatible).toBe(false);
    });

    it('9 enforces on a subject that has versions already', async () => {
      await registry.register(subject, V1);
      await registry.enforceCompatibility(subject);
      await expect(registry.register(subject, V3_BREAKS_V1)).rejects.toMatchObject({ kind: 'incompatible' });
    });

    it.each(SUCCESSIONS)('10 knows what may follow: %s', async (_, older, newer, isCompatible) => {
      await registry.enforceCompatibility(subject);
      await registry.register(subject, text(older));
      expect((await registry.check(subject, text(newer))).isCompatible).toBe(isCompatible);
      const outcome = await registry.register(subject, text(newer)).then(
        () => 'registered',
        ({ kind }: { kind: string }) => kind,
      );
      expect(outcome).toBe(isCompatible ? 'registered' : 'incompatible');
    });

    it('11 keeps subjects apart, and lists them', async () => {
      const second = `${harness.newSubject()}.with_all-of.them`;
      const ids = [await registry.register(subject, V1), await registry.register(second, V3_BREAKS_V1)];
      expect(await registry.latest(subject)).toMatchObject({ schemaId: ids[0], version: 1 });
      expect(await registry.latest(second)).toMatchObject({ schemaId: ids[1], version: 1 });
      const subjects = await registry.subjects();
      expect(subjects).toEqual(expect.arrayContaining([subject, second]));
      expect(subjects).not.toContain(harness.newSubject());
    });

    it('12 keeps a schema under two subjects', async () => {
      const second = harness.newSubject();
      const ids = [await registry.register(subject, V1), await registry.register(second, V1)];
      for (const id of ids) expect(JSON.parse(await registry.schemaById(id))).toEqual(JSON.parse(V1));
      expect(await registry.latest(second)).toMatchObject({ schemaId: ids[1], version: 1 });
    });

    it('13 shows everything to another process', async () => {
      const id = await registry.register(subject, text(BLOCK_SCHEMA));
      const other = await harness.another();
      expect(JSON.parse(await other.schemaById(id))).toEqual(JSON.parse(text(BLOCK_SCHEMA)));
      expect(await other.latest(subject)).toMatchObject({ schemaId: id });
    });
  });
}

function side(...symbols: string[]) {
  return { type: 'enum', name: 'Side', symbols };
}

function array(items: Json) {
  return { type: 'array', items };
}

function map(values: Json) {
  return { type: 'map', values };
}

function fixed(size: number) {
  return { type: 'fixed', name: 'Id', size };
}

function leg(...more: string[]) {
  return { type: 'record', name: 'Leg', fields: ['venue', ...more].map((name) => field(name, 'string')) };
}
