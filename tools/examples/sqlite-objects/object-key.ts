import { PortError } from '@k2/ports';

/** The same text in every URI and URL, never to be encoded. All of it is ASCII, so SQLite and JavaScript sort it alike. */
const NAME = /^[\w.=-]+$/;

/** Throws `invalid-key`. */
export function assertKey(key: string): void {
  const names = key.split('/');
  if (names.every((name) => NAME.test(name) && name !== '.' && name !== '..')) return;
  const message = `${JSON.stringify(key)} is not a key: expected names of A-Z a-z 0-9 . _ = - separated by single slashes`;
  throw new PortError('invalid-key', message, { key });
}
