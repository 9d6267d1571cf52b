import { BLOCK_SCHEMA } from '@k2/domain/wire';

/** What the values under one schema id are. */
export type RecordKind =
  | { readonly kind: 'block' }
  | { readonly kind: 'tick'; readonly writerSchema: string }
  /** Not for K2, in words. */
  | { readonly kind: 'foreign'; readonly detail: string };

/**
 * The schema id tells a record's kind, whatever framing its topic is configured with now: a topic whose framing was
 * changed stays readable. Whether K2 can resolve a tick schema is found out by its decoder.
 */
export function recordKindOf(schemaId: number, schema: string): RecordKind {
  let parsed: unknown;
  try {
    parsed = JSON.parse(schema);
  } catch {
    return { kind: 'foreign', detail: `schema id ${schemaId} is no JSON` };
  }
  if (!Array.isArray(parsed)) return { kind: 'tick', writerSchema: schema };
  // Earlier writers had fewer branches, later ones may have more: those in common have to be the same.
  const common = Math.min(parsed.length, BLOCK_BRANCHES.length);
  const isBlock = common > 0 && BLOCK_BRANCHES.slice(0, common).every((branch, i) => branch === shapeOf(parsed[i]));
  if (isBlock) return { kind: 'block' };
  return { kind: 'foreign', detail: `schema id ${schemaId} is a union, but not K2's of blocks` };
}

const BLOCK_BRANCHES = BLOCK_SCHEMA.map(shapeOf);

/** A schema without what does not change its encoding: docs, defaults, namespaces, the order of keys. */
function shapeOf(schema: unknown): string {
  return JSON.stringify(shape(schema));
}

function shape(schema: unknown): unknown {
  if (typeof schema === 'string') return simpleName(schema);
  if (Array.isArray(schema)) return schema.map(shape);
  const { type, name, fields, items, values } = schema as Record<string, unknown>;
  if (type === 'record') {
    const own = (fields as readonly { readonly name: string; readonly type: unknown }[]).map((field) => [
      field.name,
      shape(field.type),
    ]);
    return ['record', simpleName(String(name)), own];
  }
  if (type === 'array') return ['array', shape(items)];
  if (type === 'map') return ['map', shape(values)];
  return shape(type);
}

function simpleName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
