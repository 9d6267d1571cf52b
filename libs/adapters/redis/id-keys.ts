import { hash } from 'node:crypto';

/** 22 characters of 6 bits. */
const KEY_LENGTH = 22;

/**
 * An id of any length as 132 bits of its SHA-256, in Base64url: two of 2^40 ids share a key with a chance of 2^-53, and
 * nobody can make two that do.
 */
export function idKey(id: string): string {
  return hash('sha256', id, 'base64url').slice(0, KEY_LENGTH);
}

const VALUES = new Uint8Array(128);
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].entries()) {
  VALUES[character.charCodeAt(0)] = value;
}

/** 42 bits of a key, from its character `at` on. */
export function keyBits(key: string, at: number): number {
  let high = 0;
  for (let i = at; i < at + 4; i++) high = (high << 6) | VALUES[key.charCodeAt(i)];
  let low = 0;
  for (let i = at + 4; i < at + 7; i++) low = (low << 6) | VALUES[key.charCodeAt(i)];
  return high * 2 ** 18 + low;
}
