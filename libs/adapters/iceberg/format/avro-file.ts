import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import avro, { type Schema as AvroSchema, type Type } from 'avsc';
import { UnsupportedFile } from './unsupported-file.ts';

/**
 * Avro object container files (Avro 1.12 specification, "Object Container Files"). avsc drops what it does not know
 * from a schema it prints, and Iceberg finds fields by the `field-id` attributes: the header keeps the schema as given.
 */
export interface AvroFile {
  readonly metadata: ReadonlyMap<string, string>;
  readonly records: readonly AvroRecord[];
}

export type AvroRecord = Readonly<Record<string, unknown>>;

export async function writeAvroFile(
  schema: AvroSchema,
  metadata: ReadonlyMap<string, string>,
  records: readonly AvroRecord[],
): Promise<Uint8Array> {
  const type = recordType(schema);
  const sync = randomBytes(16);
  const meta = Object.fromEntries(
    [...metadata, ['avro.schema', JSON.stringify(schema)], ['avro.codec', 'deflate']].map(([key, value]) => [
      key,
      Buffer.from(value!),
    ]),
  );
  const parts = [HEADER.toBuffer({ magic: MAGIC, meta, sync })];
  if (records.length > 0) {
    const data = await deflated(Buffer.concat(records.map((record) => type.toBuffer(record))));
    parts.push(BLOCK.toBuffer({ count: records.length, data, sync }));
  }
  return Buffer.concat(parts);
}

export async function readAvroFile(bytes: Uint8Array): Promise<AvroFile> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = decode<Header>(HEADER, buffer, 0);
  if (!header.value.magic.equals(MAGIC))
    throw new Error('not an Avro object container file: expected it to begin with "Obj\\x01"');
  const metadata = new Map(Object.entries(header.value.meta).map(([key, value]) => [key, value.toString()]));
  const type = recordType(JSON.parse(metadata.get('avro.schema')!) as AvroSchema);
  const codec = metadata.get('avro.codec') ?? 'null';
  const records: AvroRecord[] = [];
  for (let at = header.end; at < buffer.length;) {
    const block = decode<Block>(BLOCK, buffer, at);
    if (!block.value.sync.equals(header.value.sync))
      throw new Error(`damaged Avro file: no sync marker before byte ${block.end}`);
    const data = await uncompressed(block.value.data, codec);
    for (let i = 0, offset = 0; i < block.value.count; i++) {
      const record = decode<AvroRecord>(type, data, offset);
      records.push(record.value);
      offset = record.end;
    }
    at = block.end;
  }
  return { metadata, records };
}

interface Header {
  readonly magic: Buffer;
  readonly meta: Readonly<Record<string, Buffer>>;
  readonly sync: Buffer;
}

interface Block {
  readonly count: number;
  readonly data: Buffer;
  readonly sync: Buffer;
}

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC = { type: 'fixed', name: 'Sync', size: 16 } as const;

const HEADER = avro.Type.forSchema({
  type: 'record',
  name: 'Header',
  fields: [
    { name: 'magic', type: { type: 'fixed', name: 'Magic', size: 4 } },
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: SYNC },
  ],
});

const BLOCK = avro.Type.forSchema({
  type: 'record',
  name: 'Block',
  fields: [
    { name: 'count', type: 'long' },
    { name: 'data', type: 'bytes' },
    { name: 'sync', type: SYNC },
  ],
});

const deflated = promisify(deflateRaw) as (data: Buffer) => Promise<Buffer>;
const inflated = promisify(inflateRaw) as (data: Buffer) => Promise<Buffer>;

async function uncompressed(data: Buffer, codec: string): Promise<Buffer> {
  switch (codec) {
    case 'null':
      return data;
    case 'deflate':
      return inflated(data);
    default:
      throw new UnsupportedFile(`Avro codec ${codec} is not supported: expected deflate or null`);
  }
}

function decode<Value>(type: Type, buffer: Buffer, offset: number): { readonly value: Value; readonly end: number } {
  const { value, offset: end } = type.decode(buffer, offset) as { value: Value; offset: number };
  if (end < 0) throw new Error(`cut-off Avro file: a value at byte ${offset} goes beyond its ${buffer.length} bytes`);
  return { value, end };
}

/** Longs are BigInts: snapshot ids have 63 bits. */
const LONG = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

function recordType(schema: AvroSchema): Type {
  return avro.Type.forSchema(schema, { registry: { long: LONG }, wrapUnions: false });
}
