import { PortError, isPortError, type RegisteredSchema, type SchemaRegistry } from '@k2/ports';

/** What this program writes under a subject (`<topic>-value`). */
export interface WrittenSchema {
  readonly subject: string;
  /** Avro as JSON text. */
  readonly schema: string;
}

/**
 * `new`: nothing is registered under the subject. `same`: the schema is a version of it. `compatible`: it would be a new
 * version that can read all older records. `incompatible`: it could not.
 */
export type SchemaVerdict = 'new' | 'same' | 'compatible' | 'incompatible';

export interface SchemaCheck {
  readonly subject: string;
  readonly verdict: SchemaVerdict;
  /** The version that it is, or the newest there is; null where there is none. */
  readonly version: number | null;
  /** Of `incompatible`: what could not be read, with the field's path. */
  readonly reasons: readonly string[];
}

/** Holds what the program writes against what is registered, and changes nothing. Throws `invalid-schema`. */
export async function checkSchemas(
  registry: SchemaRegistry,
  written: readonly WrittenSchema[],
): Promise<readonly SchemaCheck[]> {
  const checks: SchemaCheck[] = [];
  for (const { subject, schema } of written) checks.push(await checkSchema(registry, subject, schema));
  return checks;
}

/**
 * Registers what the program writes, under BACKWARD compatibility that the registry itself enforces from then on, for
 * other programs too. Where one schema is `incompatible` it throws so and registers none. Gives the ids by subject.
 */
export async function ensureSchemas(
  registry: SchemaRegistry,
  written: readonly WrittenSchema[],
): Promise<ReadonlyMap<string, number>> {
  const checks = await checkSchemas(registry, written);
  const broken = checks.filter(({ verdict }) => verdict === 'incompatible');
  if (broken.length > 0) throw incompatible(broken);

  const ids = new Map<string, number>();
  for (const { subject, schema } of written) {
    // Before the first version, so that of two programs that start at once one is refused.
    await registry.enforceCompatibility(subject);
    ids.set(subject, await register(registry, subject, schema));
  }
  return ids;
}

async function checkSchema(registry: SchemaRegistry, subject: string, schema: string): Promise<SchemaCheck> {
  const same = await registry.find(subject, schema);
  if (same !== null) return { subject, verdict: 'same', version: same.version, reasons: [] };
  const latest = await latestOrNone(registry, subject);
  const { isCompatible, reasons } = await registry.check(subject, schema);
  if (latest === null) return { subject, verdict: 'new', version: null, reasons: [] };
  const verdict = isCompatible ? 'compatible' : 'incompatible';
  return { subject, verdict, version: latest.version, reasons };
}

async function latestOrNone(registry: SchemaRegistry, subject: string): Promise<RegisteredSchema | null> {
  try {
    return await registry.latest(subject);
  } catch (error) {
    if (isPortError(error, 'unknown-subject')) return null;
    throw error;
  }
}

async function register(registry: SchemaRegistry, subject: string, schema: string): Promise<number> {
  try {
    return await registry.register(subject, schema);
  } catch (error) {
    if (!isPortError(error, 'incompatible')) throw error;
    // Somebody registered another version since the check.
    throw incompatible([{ subject, reasons: error.context['reasons'] as readonly string[] }], error);
  }
}

function incompatible(broken: readonly Pick<SchemaCheck, 'subject' | 'reasons'>[], cause?: unknown): PortError {
  const [{ subject, reasons }] = broken;
  const found = broken.map((each) => `${each.subject}: ${each.reasons.join('; ')}`).join('. ');
  const message =
    `this program's schemas could not read records that are in the log already. ${found}. ` +
    `Give a new field a default and leave the type of an old one, or write to a topic of another name`;
  return new PortError(
    'incompatible',
    message,
    { subject, reasons, subjects: broken.map((each) => each.subject) },
    { cause },
  );
}
