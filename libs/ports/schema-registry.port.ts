import type { PortError } from './port-error.ts';

/**
 * `incompatible`: readers of the new schema could not read what older writers wrote, `context.reasons`.
 * `invalid-schema`: it is no Avro schema. `unknown-schema`: no schema has this id. `unknown-subject`: nothing was ever
 * registered under it. `unavailable`: the registry did not answer, or refused us.
 */
export type SchemaRegistryErrorKind =
  'incompatible' | 'invalid-schema' | 'unknown-schema' | 'unknown-subject' | 'unavailable';
export type SchemaRegistryError = PortError<SchemaRegistryErrorKind>;

export interface RegisteredSchema {
  readonly schemaId: number;
  readonly subject: string;
  /** Counts up within the subject, from 1. */
  readonly version: number;
  /** Avro schema as JSON text. */
  readonly schema: string;
}

export interface CompatibilityReport {
  readonly isCompatible: boolean;
  /** What an older writer's record would break, in the registry's words; empty where it says nothing more. */
  readonly reasons: readonly string[];
}

/** Schemas of the log's records, by subject and version. An id, once given, means the same schema for good. */
export interface SchemaRegistry {
  /** The id of the schema under the subject: a new version, or the one that it is already. Throws `incompatible`. */
  register(subject: string, schema: string): Promise<number>;
  /** JSON text of a schema. Throws `unknown-schema`. */
  schemaById(schemaId: number): Promise<string>;
  /** Newest version. Throws `unknown-subject`. */
  latest(subject: string): Promise<RegisteredSchema>;
  /** Whether readers with this schema can read what was written under every registered version of the subject. */
  check(subject: string, schema: string): Promise<CompatibilityReport>;
  /** From now on the registry itself refuses versions that readers could not follow: BACKWARD, transitive. */
  enforceCompatibility(subject: string): Promise<void>;
  subjects(): Promise<readonly string[]>;
  close(): Promise<void>;
}
