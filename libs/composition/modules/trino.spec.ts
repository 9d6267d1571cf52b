import { expect, it } from '@jest/globals';
import type { ObjectStore } from '@k2/ports';
import { readSettings } from '../settings.ts';
import type { ModuleInput } from './module-input.ts';
import { trinoEngine } from './trino.ts';

const opened = (env: Record<string, string>) =>
  trinoEngine({ settings: readSettings({}, env), context: {} } as ModuleInput, {} as ObjectStore);

it('a password for Trino goes over https, or nowhere', () => {
  expect(() => opened({ K2_TRINO_PASSWORD: 'p', K2_TRINO_URL: 'http://trino:8080' })).toThrow(
    'K2_TRINO_URL has to start with https://',
  );
  expect(() => opened({ K2_TRINO_PASSWORD: 'p', K2_TRINO_URL: 'https://trino:8443' })).not.toThrow();
  expect(() => opened({})).not.toThrow();
});
