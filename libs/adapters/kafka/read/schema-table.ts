import { TickDecoder } from '@k2/domain/wire';
import { recordKindOf } from './record-kinds.ts';

export type SchemaEntry =
  | { readonly kind: 'block' }
  | { readonly kind: 'tick'; readonly decoder: TickDecoder }
  | { readonly kind: 'foreign'; readonly detail: string };

/** Each tick schema has a decoder with room for a whole batch. At the bound all are forgotten and asked for again. */
const ENTRIES_MAX = 16;
const MISSING_MAX = 1_024;
/** A schema that is not there now may be registered later. */
const MISSING_FOR_MS = 10_000;

/** Asks the registry for a schema's text: null if it has none of that id. Rejects if it does not answer. */
export type SchemaLookup = (schemaId: number) => Promise<string | null>;

/** The schemas that records were met with, ready to decode. */
export class SchemaTable {
  private readonly lookup: SchemaLookup;
  private readonly nowMs: () => number;
  private readonly entries = new Map<number, SchemaEntry>();
  private readonly missing = new Map<number, { readonly entry: SchemaEntry; readonly untilMs: number }>();

  constructor(lookup: SchemaLookup, nowMs: () => number) {
    this.lookup = lookup;
    this.nowMs = nowMs;
  }

  /** Undefined if it has to be loaded first. */
  find(schemaId: number): SchemaEntry | undefined {
    const entry = this.entries.get(schemaId);
    if (entry !== undefined) return entry;
    const missing = this.missing.get(schemaId);
    return missing !== undefined && missing.untilMs > this.nowMs() ? missing.entry : undefined;
  }

  async load(schemaId: number): Promise<void> {
    const schema = await this.lookup(schemaId);
    if (schema === null) {
      if (this.missing.size >= MISSING_MAX) this.missing.clear();
      const entry: SchemaEntry = { kind: 'foreign', detail: `schema id ${schemaId} is not in the registry` };
      this.missing.set(schemaId, { entry, untilMs: this.nowMs() + MISSING_FOR_MS });
    } else {
      if (this.entries.size >= ENTRIES_MAX) this.entries.clear();
      this.entries.set(schemaId, entryOf(schemaId, schema));
    }
  }
}

function entryOf(schemaId: number, schema: string): SchemaEntry {
  const kind = recordKindOf(schemaId, schema);
  if (kind.kind !== 'tick') return kind;
  try {
    return { kind: 'tick', decoder: new TickDecoder(kind.writerSchema) };
  } catch (error) {
    return { kind: 'foreign', detail: `schema id ${schemaId} is not for K2: ${(error as Error).message}` };
  }
}
