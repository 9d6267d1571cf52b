import { expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MUTANTS } from './mutants.ts';

it.each([...MUTANTS])('mutant $name: the source it changes has its text once', async ({ file, original }) => {
  const source = await readFile(join(import.meta.dirname, '../..', file), 'utf8');
  expect(source.split(original).length - 1).toBe(1);
});
