import { PortError } from './port-error.ts';

/** Slash-separated names of these: the same text in every URI, path and URL, never to be encoded, sorted alike everywhere. */
const NAME = /^[\w.=-]+$/;

/** First names that begin so are no keys: a store may keep what it needs for itself there. */
export const RESERVED_NAME_PREFIX = '.k2-';

export function isObjectKey(key: string): boolean {
  return (
    !key.startsWith(RESERVED_NAME_PREFIX) &&
    key.split('/').every((name) => NAME.test(name) && name !== '.' && name !== '..')
  );
}

/** Throws `invalid-key`. */
export function assertObjectKey(key: string): void {
  if (isObjectKey(key)) return;
  const message = `${JSON.stringify(key)} is not a key: expected names of A-Z a-z 0-9 . _ = - separated by single slashes, the first of them not ${RESERVED_NAME_PREFIX}…`;
  throw new PortError('invalid-key', message, { key });
}

/** Throws `invalid-key`. A prefix is the beginning of a key, cut anywhere. */
export function assertObjectKeyPrefix(prefix: string): void {
  if (prefix !== '') assertObjectKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}
