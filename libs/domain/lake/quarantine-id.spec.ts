import { describe, expect, it } from '@jest/globals';
import { fnv1a64 } from './fnv1a64.ts';
import { quarantineId } from './index.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('quarantineId', () => {
  it('is the same for the same bytes in the same place, and no others', () => {
    const id = quarantineId('asx:trades/1.csv', 7, bytes('a,b'));
    expect(quarantineId('asx:trades/1.csv', 7, bytes('a,b'))).toBe(id);
    expect(quarantineId('asx:trades/1.csv', 8, bytes('a,b'))).not.toBe(id);
    expect(quarantineId('asx:trades/1.csv', 7, bytes('a,c'))).not.toBe(id);
  });

  it('hashes as 64-bit FNV-1a does', () => {
    expect(['', 'a', 'foobar'].map((text) => fnv1a64(bytes(text)))).toEqual([
      'cbf29ce484222325',
      'af63dc4c8601ec8c',
      '85944171f73967e8',
    ]);
  });
});
