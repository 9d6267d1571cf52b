import type { PortError } from './port-error.ts';

/**
 * `incompatible`: readers of the new schema could not read what older writers wrote, `context.reasons`.
 * `invalid-schema`: it is no Avro schema. `unknown-schema`: no schema has this id. `unknown-subject`: nothing was ever
 * registered under it. `unavailable`: the registry did not answer (retryable), or refused us (not).
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
  /** What an older writer's record would break, with the field's path where it is known. Never empty where it is not. */
  readonly reasons: readonly string[];
}

/**
 * Schemas of the log's records, by subject and version. An id, once given, means the same schema for good. Schemas are
 * Avro as JSON text; two texts that differ in spaces or in the order of attributes are the same schema.
 */
export interface SchemaRegistry {
  /**
   * The id of the schema under the subject: a new version, or the one that it is already. Repeating it changes nothing.
   * Throws `incompatible` where the subject's rule (see `enforceCompatibility`) forbids it, and `invalid-schema`.
   */
  register(subject: string, schema: string): Promise<number>;
  /** JSON text of a schema; known ids need no registry. Throws `unknown-schema`. */
  schemaById(schemaId: number): Promise<string>;
  /** Newest version. Throws `unknown-subject`. */
  latest(subject: string): Promise<RegisteredSchema>;
  /** The version of the subject, newest or older, that this schema is; null where it is none of them. */
  find(subject: string, schema: string): Promise<RegisteredSchema | null>;
  /**
   * Whether readers with this schema can read what was written under every registered version of the subject, whatever
   * its rule; compatible with a subject that has none. Changes nothing. Throws `invalid-schema`.
   */
  check(subject: string, schema: string): Promise<CompatibilityReport>;
  /**
   * From now on the registry itself refuses versions that readers could not follow: BACKWARD, transitive. May be asked
   * before the first version is registered.
   */
  enforceCompatibility(subject: string): Promise<void>;
  /** Those that have a version, in no order. */
  subjects(): Promise<readonly string[]>;
  close(): Promise<void>;
}
