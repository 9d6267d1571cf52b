import { AvroSchemaError, parseAvroSchema, readIncompatibilities, type AvroSchema } from '@k2/domain/wire';
import { PortError, type CompatibilityReport, type RegisteredSchema, type SchemaRegistry } from '@k2/ports';

export interface MemorySchemaRegistryOptions {
  /** Schemas of all subjects; at the bound a new one is refused as `unavailable`. */
  readonly schemasMax?: number;
}

interface Version extends RegisteredSchema {
  readonly parsed: AvroSchema;
}

/** A SchemaRegistry for tests: its schemas are gone with it, and with them what log records mean. */
export class MemorySchemaRegistry implements SchemaRegistry {
  private readonly schemasMax: number;
  private readonly ids = new Map<string, number>();
  private readonly texts: string[] = [];
  private readonly versions = new Map<string, Version[]>();
  private readonly enforced = new Set<string>();

  constructor({ schemasMax = 10_000 }: MemorySchemaRegistryOptions = {}) {
    this.schemasMax = schemasMax;
  }

  async register(subject: string, schema: string): Promise<number> {
    const parsed = parse(subject, schema);
    const versions = this.versions.get(subject) ?? [];
    const known = this.version(subject, schema);
    if (known !== undefined) return known.schemaId;
    const reasons = this.enforced.has(subject) ? reasonsAgainst(parsed, versions) : [];
    if (reasons.length > 0) {
      const message = `${subject}: readers of the new schema could not read older records: ${reasons.join('; ')}`;
      throw new PortError('incompatible', message, { subject, reasons });
    }
    const schemaId = this.idOf(schema);
    this.versions.set(subject, [...versions, { schemaId, subject, version: versions.length + 1, schema, parsed }]);
    return schemaId;
  }

  async schemaById(schemaId: number): Promise<string> {
    const text = this.texts[schemaId - 1];
    if (text === undefined) throw new PortError('unknown-schema', `no schema has the id ${schemaId}`, { schemaId });
    return text;
  }

  async latest(subject: string): Promise<RegisteredSchema> {
    const version = this.versions.get(subject)?.at(-1);
    if (version === undefined) {
      throw new PortError('unknown-subject', `nothing is registered under ${subject}`, { subject });
    }
    return registered(version);
  }

  async find(subject: string, schema: string): Promise<RegisteredSchema | null> {
    parse(subject, schema);
    const version = this.version(subject, schema);
    return version === undefined ? null : registered(version);
  }

  async check(subject: string, schema: string): Promise<CompatibilityReport> {
    const reasons = reasonsAgainst(parse(subject, schema), this.versions.get(subject) ?? []);
    return { isCompatible: reasons.length === 0, reasons };
  }

  async enforceCompatibility(subject: string): Promise<void> {
    this.enforced.add(subject);
  }

  async subjects(): Promise<readonly string[]> {
    return [...this.versions.keys()];
  }

  async close(): Promise<void> {}

  private version(subject: string, schema: string): Version | undefined {
    const schemaId = this.ids.get(canonical(schema));
    return this.versions.get(subject)?.find((version) => version.schemaId === schemaId);
  }

  private idOf(schema: string): number {
    const key = canonical(schema);
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    if (this.texts.length >= this.schemasMax) {
      throw new PortError('unavailable', `the registry is full: it holds ${this.schemasMax} schemas`);
    }
    const schemaId = this.texts.push(schema);
    this.ids.set(key, schemaId);
    return schemaId;
  }
}

function parse(subject: string, schema: string): AvroSchema {
  try {
    return parseAvroSchema(schema);
  } catch (cause) {
    if (!(cause instanceof AvroSchemaError)) throw cause;
    throw new PortError(
      'invalid-schema',
      `the schema for ${subject} is wrong: ${cause.message}`,
      { subject },
      { cause },
    );
  }
}

function reasonsAgainst(reader: AvroSchema, versions: readonly Version[]): readonly string[] {
  return [...new Set(versions.flatMap(({ parsed }) => readIncompatibilities(reader, parsed)))];
}

function registered({ schemaId, subject, version, schema }: Version): RegisteredSchema {
  return { schemaId, subject, version, schema };
}

/** Without spaces, attributes by name. */
function canonical(schema: string): string {
  return JSON.stringify(JSON.parse(schema), (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
