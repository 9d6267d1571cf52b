import { PortError } from '@k2/ports';

/** Objects that try the server out lie in a folder that no key can name. */
export const PROBE_FOLDER = '.k2-probe';

/** Slash-separated names of letters, digits and `._=-`: the same text in every URI, path and URL, never to be encoded. */
const NAME = /^[\w.=-]+$/;

export function isKey(key: string): boolean {
  const names = key.split('/');
  return names[0] !== PROBE_FOLDER && names.every((name) => NAME.test(name) && name !== '.' && name !== '..');
}

export function assertKey(key: string): void {
  if (isKey(key)) return;
  const message = `${JSON.stringify(key)} is not a key: expected names of A-Z a-z 0-9 . _ = - separated by single slashes`;
  throw new PortError('invalid-key', message, { key });
}

/** A prefix is the beginning of a key, cut anywhere. */
export function assertPrefix(prefix: string): void {
  if (prefix !== '') assertKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}
