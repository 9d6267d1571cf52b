import { AvroSchemaError, parseAvroSchema, readIncompatibilities, type AvroSchema } from '@k2/domain/wire';
import { PortError, isPortError, type Clock, type CompatibilityReport } from '@k2/ports';
import type { RegisteredSchema, SchemaRegistry } from '@k2/ports';
import { KnownSchemas, unknown } from './known-schemas.ts';
import { refusalReasons } from './refusal-reasons.ts';
import { RegistryConnection, type RegistryAnswer, type RegistryConnectionOptions } from './registry-connection.ts';

export interface HttpSchemaRegistryOptions extends RegistryConnectionOptions {
  readonly clock: Clock;
  /** Schemas kept by id; at the bound the one asked for longest ago goes, and is asked for again when needed. */
  readonly schemasMax?: number;
  /** How long an unknown id is not asked for again. */
  readonly unknownForMs?: number;
}

const SUBJECT_NOT_FOUND = 40401;
const VERSION_NOT_FOUND = 40402;
const SCHEMA_NOT_FOUND = 40403;
/** Of one subject, at its first use by several processes. */
const RULE_CONFLICTS_MAX = 5;
const NOTHING_FOUND = [SUBJECT_NOT_FOUND, VERSION_NOT_FOUND, SCHEMA_NOT_FOUND];

/** A SchemaRegistry over Confluent's REST API, which Apicurio, Karapace and Redpanda have too. */
export class HttpSchemaRegistry implements SchemaRegistry {
  private readonly connection: RegistryConnection;
  private readonly known: KnownSchemas;

  constructor(options: HttpSchemaRegistryOptions) {
    const { schemasMax = 10_000, unknownForMs = 5_000, clock } = options;
    this.connection = new RegistryConnection(options);
    this.known = new KnownSchemas({ schemasMax, unknownForMs, clock }, (schemaId) => this.askForSchema(schemaId));
  }

  async register(subject: string, schema: string): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions?normalize=true`;
    const answer = await this.connection.send('POST', path, { schema });
    if (answer.status === 200) return (answer.body as { id: number }).id;
    if (answer.status === 422) throw invalid(subject, answer.message);
    if (answer.status === 409) throw await this.incompatible(subject, schema, answer);
    throw this.connection.unexpected(answer, 'the registration of a schema');
  }

  schemaById(schemaId: number): Promise<string> {
    return this.known.text(schemaId);
  }

  async latest(subject: string): Promise<RegisteredSchema> {
    const found = await this.version(subject, 'latest');
    if (found !== null) return found;
    throw new PortError('unknown-subject', `the schema registry has no subject ${subject}`, { subject });
  }

  async find(subject: string, schema: string): Promise<RegisteredSchema | null> {
    const path = `/subjects/${encodeURIComponent(subject)}?normalize=true`;
    const answer = await this.connection.send('POST', path, { schema });
    if (answer.status === 200) return registered(answer);
    if (answer.status === 422) throw invalid(subject, answer.message);
    if (NOTHING_FOUND.includes(answer.errorCode)) return null;
    throw this.connection.unexpected(answer, 'the search for a schema');
  }

  /**
   * Compares with every version here, because what a registry itself answers depends on the subject's rule, and without
   * one is always yes. The registry's answer counts too: it is the one that will refuse.
   */
  async check(subject: string, schema: string): Promise<CompatibilityReport> {
    const reader = parse(subject, schema);
    const versions = await this.versions(subject);
    if (versions.length === 0) return { isCompatible: true, reasons: [] };
    const reasons = reasonsAgainst(reader, versions);
    if (reasons.length > 0) return { isCompatible: false, reasons };

    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions?verbose=true`;
    const answer = await this.connection.send('POST', path, { schema });
    if (answer.status === 422) throw invalid(subject, answer.message);
    if (answer.status !== 200) throw this.connection.unexpected(answer, 'the check of a schema');
    const { is_compatible: isCompatible, messages = [] } = answer.body as {
      is_compatible: boolean;
      messages?: string[];
    };
    if (isCompatible) return { isCompatible, reasons: [] };
    const said = messages.flatMap(refusalReasons);
    return { isCompatible, reasons: said.length > 0 ? said : ['the registry refuses it and does not say why'] };
  }

  async enforceCompatibility(subject: string): Promise<void> {
    const path = `/config/${encodeURIComponent(subject)}`;
    for (let conflicts = 0; ; conflicts++) {
      const answer = await this.connection.send('PUT', path, { compatibility: 'BACKWARD_TRANSITIVE' });
      if (answer.status === 200) return;
      // Somebody else makes the same rule at the same moment: when it is there, it can be set.
      if (answer.status !== 409 || conflicts === RULE_CONFLICTS_MAX)
        throw this.connection.unexpected(answer, 'a rule of compatibility');
    }
  }

  async subjects(): Promise<readonly string[]> {
    const answer = await this.connection.get('/subjects');
    if (answer.status === 200) return answer.body as string[];
    throw this.connection.unexpected(answer, 'the list of subjects');
  }

  async close(): Promise<void> {
    this.connection.close();
  }

  private async askForSchema(schemaId: number): Promise<string> {
    const answer = await this.connection.get(`/schemas/ids/${schemaId}`);
    if (answer.status === 200) return (answer.body as { schema: string }).schema;
    if (NOTHING_FOUND.includes(answer.errorCode)) throw unknown(schemaId);
    throw this.connection.unexpected(answer, `the question for schema ${schemaId}`);
  }

  private async versions(subject: string): Promise<readonly RegisteredSchema[]> {
    const answer = await this.connection.get(`/subjects/${encodeURIComponent(subject)}/versions`);
    if (answer.errorCode === SUBJECT_NOT_FOUND) return [];
    if (answer.status !== 200) throw this.connection.unexpected(answer, 'the list of versions');
    const versions: RegisteredSchema[] = [];
    for (const version of answer.body as number[]) {
      const found = await this.version(subject, version);
      // Deleted since it was listed.
      if (found !== null) versions.push(found);
    }
    return versions;
  }

  private async version(subject: string, version: number | 'latest'): Promise<RegisteredSchema | null> {
    const answer = await this.connection.get(`/subjects/${encodeURIComponent(subject)}/versions/${version}`);
    if (answer.status === 200) return registered(answer);
    if (NOTHING_FOUND.includes(answer.errorCode)) return null;
    throw this.connection.unexpected(answer, `the question for version ${version}`);
  }

  /** Reasons by our own comparison if it finds any: they name the field's path on every registry. */
  private async incompatible(subject: string, schema: string, answer: RegistryAnswer): Promise<PortError> {
    const own = await this.ownReasons(subject, schema);
    const reasons = own.length > 0 ? own : refusalReasons(answer.message);
    const message = `${subject}: readers of the new schema could not read older records: ${reasons.join('; ')}`;
    return new PortError('incompatible', message, { subject, reasons, answer: answer.message });
  }

  private async ownReasons(subject: string, schema: string): Promise<readonly string[]> {
    try {
      return reasonsAgainst(parse(subject, schema), await this.versions(subject));
    } catch (error) {
      if (isPortError(error)) return [];
      throw error;
    }
  }
}

function registered({ body }: RegistryAnswer): RegisteredSchema {
  const { id, subject, version, schema } = body as { id: number; subject: string; version: number; schema: string };
  return { schemaId: id, subject, version, schema };
}

function reasonsAgainst(reader: AvroSchema, versions: readonly RegisteredSchema[]): readonly string[] {
  const writers = versions.flatMap(({ schema }) => parseOrNone(schema));
  return [...new Set(writers.flatMap((writer) => readIncompatibilities(reader, writer)))];
}

/** A version that refers to schemas of other subjects, or is no Avro, only the registry can compare with. */
function parseOrNone(schema: string): readonly AvroSchema[] {
  try {
    return [parseAvroSchema(schema)];
  } catch (error) {
    if (error instanceof AvroSchemaError) return [];
    throw error;
  }
}

function parse(subject: string, schema: string): AvroSchema {
  try {
    return parseAvroSchema(schema);
  } catch (error) {
    if (error instanceof AvroSchemaError) throw invalid(subject, error.message);
    throw error;
  }
}

function invalid(subject: string, what: string): PortError {
  return new PortError('invalid-schema', `the schema for ${subject} is no Avro schema: ${what}`, { subject });
}
