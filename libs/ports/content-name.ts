/**
 * Names that tell what an object's content must be: a UUID of version 8 (RFC 9562, of its maker's own making) whose last
 * twelve digits are the first twelve of the content's SHA-256, and whose others are random. To everyone else it is a UUID
 * as any other, in names that have one: `5f0c8f31-77a2-8c11-9d5e-3b1f0c2d4e5f.parquet`.
 */
export const DIGEST_DIGITS = 12;

/** `uuid`: a fresh one, so that equal contents get different names. `sha256`: lower-case hexadecimal. */
export function contentName(uuid: string, sha256: string): string {
  return `${uuid.slice(0, 14)}8${uuid.slice(15, 24)}${sha256.slice(0, DIGEST_DIGITS)}`;
}

/** The digits that the content's SHA-256 must begin with; null where the name does not tell. */
export function namedDigest(key: string): string | null {
  return NAMED.exec(key.slice(key.lastIndexOf('/') + 1))?.[1] ?? null;
}

/** As K2 names its files: `<uuid>.parquet`, `<uuid>-m0.avro`, `snap-<id>-<uuid>.avro`, `00007-<uuid>.metadata.json`. */
const NAMED =
  /^(?:snap-\d+-|\d+-)?[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-([0-9a-f]{12})(?:\.parquet|-m0\.avro|\.avro|\.metadata\.json)$/;
