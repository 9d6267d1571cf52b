import { MemorySchemaRegistry } from '@k2/adapter-memory';
import { BLOCK_SCHEMA } from '@k2/domain/wire';
import type { SchemaRegistry } from '@k2/ports';
import { checkSchemas, ensureSchemas } from './ensure-schemas.ts';

const trade = (...fields: object[]) =>
  JSON.stringify({ type: 'record', name: 'Trade', fields: [{ name: 'price', type: 'long' }, ...fields] });
const V1 = trade();
const V2 = trade({ name: 'fee', type: 'long', default: 0 });
const BREAKING = trade({ name: 'fee', type: 'long' });
const BLOCK = JSON.stringify(BLOCK_SCHEMA);

const written = (schemas: Readonly<Record<string, string>>) =>
  Object.entries(schemas).map(([subject, schema]) => ({ subject, schema }));

/** Counts what changes the registry. */
function watched(registry: SchemaRegistry): { registry: SchemaRegistry; changes: string[] } {
  const changes: string[] = [];
  const proxy = new Proxy(registry, {
    get: (of, name) => {
      const member: unknown = Reflect.get(of, name);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        if (name === 'register' || name === 'enforceCompatibility') changes.push(`${name} ${String(args[0])}`);
        return Reflect.apply(member, of, args) as unknown;
      };
    },
  });
  return { registry: proxy, changes };
}

describe('ensureSchemas', () => {
  it('registers everything, at every start the same, and gives the ids', async () => {
    const registry = new MemorySchemaRegistry();
    const program = written({ 'trades-value': V1, 'quotes-value': BLOCK });
    const ids = await ensureSchemas(registry, program);
    expect(await ensureSchemas(registry, program)).toEqual(ids);
    expect(JSON.parse(await registry.schemaById(ids.get('quotes-value')!))).toEqual(JSON.parse(BLOCK));
    expect(await registry.latest('trades-value')).toMatchObject({ schemaId: ids.get('trades-value'), version: 1 });
  });

  it('lets a newer program add a version, and an older one go on beside it', async () => {
    const registry = new MemorySchemaRegistry();
    const older = await ensureSchemas(registry, written({ 'trades-value': V1 }));
    await ensureSchemas(registry, written({ 'trades-value': V2 }));
    expect(await registry.latest('trades-value')).toMatchObject({ version: 2 });
    expect(await ensureSchemas(registry, written({ 'trades-value': V1 }))).toEqual(older);
    expect(await registry.latest('trades-value')).toMatchObject({ version: 2 });
  });

  it('refuses to start with a schema that could not read what is there, says why, and registers none', async () => {
    const { registry, changes } = watched(new MemorySchemaRegistry());
    await ensureSchemas(registry, written({ 'trades-value': V1 }));
    changes.length = 0;
    const program = written({ 'new-value': V1, 'trades-value': BREAKING });
    await expect(ensureSchemas(registry, program)).rejects.toMatchObject({
      kind: 'incompatible',
      context: { subject: 'trades-value', reasons: [expect.stringContaining('Trade.fee')] },
      message: expect.stringMatching(/trades-value: Trade\.fee: .*Give a new field a default/),
    });
    expect(changes).toEqual([]);
  });

  it('makes the registry refuse others, from before the first version on', async () => {
    const { registry, changes } = watched(new MemorySchemaRegistry());
    await ensureSchemas(registry, written({ 'trades-value': V1 }));
    expect(changes).toEqual(['enforceCompatibility trades-value', 'register trades-value']);
    await expect(registry.register('trades-value', BREAKING)).rejects.toMatchObject({ kind: 'incompatible' });
  });

  it('says what to do where another program was faster', async () => {
    const memory = new MemorySchemaRegistry();
    const faster = new Proxy(memory, {
      get: (of, name) => {
        const member = Reflect.get(of, name) as (...args: unknown[]) => Promise<unknown>;
        if (name !== 'enforceCompatibility') return member.bind(of);
        return async (subject: string) => {
          await of.enforceCompatibility(subject);
          await of.register(subject, V1);
        };
      },
    });
    await expect(ensureSchemas(faster, written({ 'trades-value': BREAKING }))).rejects.toMatchObject({
      kind: 'incompatible',
      message: expect.stringContaining('Give a new field a default'),
    });
  });
});

describe('checkSchemas', () => {
  it('tells new, same, compatible and incompatible, and changes nothing', async () => {
    const memory = new MemorySchemaRegistry();
    for (const subject of ['same-value', 'older-value', 'compatible-value', 'incompatible-value']) {
      await memory.register(subject, V1);
    }
    await memory.register('older-value', V2);
    const { registry, changes } = watched(memory);
    const program = {
      'new-value': V1,
      'same-value': JSON.stringify(JSON.parse(V1), null, 2),
      'older-value': V1,
      'compatible-value': V2,
      'incompatible-value': BREAKING,
    };
    const reasons: readonly string[] = [];
    expect(await checkSchemas(registry, written(program))).toEqual([
      { subject: 'new-value', verdict: 'new', version: null, reasons },
      { subject: 'same-value', verdict: 'same', version: 1, reasons },
      { subject: 'older-value', verdict: 'same', version: 1, reasons },
      { subject: 'compatible-value', verdict: 'compatible', version: 1, reasons },
      {
        subject: 'incompatible-value',
        verdict: 'incompatible',
        version: 1,
        reasons: ['Trade.fee: the older schema lacks the field, and it has no default'],
      },
    ]);
    expect(changes).toEqual([]);
  });

  it('refuses what is no schema, also for a subject that nobody has used', async () => {
    const program = written({ 'new-value': '{"type":"record"}' });
    await expect(checkSchemas(new MemorySchemaRegistry(), program)).rejects.toMatchObject({ kind: 'invalid-schema' });
  });
});
