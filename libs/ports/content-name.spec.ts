import { expect, it } from '@jest/globals';
import { contentName, namedDigest } from './content-name.ts';

const UUID = '5f0c8f31-77a2-4c11-9d5e-0123456789ab';
const SHA256 = '3b1f0c2d4e5f'.padEnd(64, '0');

it('a name is a UUID of version 8 that ends with the digest', () => {
  expect(contentName(UUID, SHA256)).toBe('5f0c8f31-77a2-8c11-9d5e-3b1f0c2d4e5f');
});

it('the digest is read from the names of every kind of file', () => {
  const name = contentName(UUID, SHA256);
  const keys = [`a/data/${name}.parquet`, `a/${name}-m0.avro`, `a/snap-81-${name}.avro`, `00007-${name}.metadata.json`];
  expect(keys.map(namedDigest)).toEqual(keys.map(() => '3b1f0c2d4e5f'));
});

it('other names tell nothing: of files of before, and of other engines', () => {
  const name = contentName(UUID, SHA256);
  const keys = [`${UUID}.parquet`, `00000-0-${name}.parquet`, `00000-0-${name}-00001.parquet`, `${name}.parquet/x`, ''];
  expect(keys.map(namedDigest)).toEqual(keys.map(() => null));
});
