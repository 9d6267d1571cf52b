import { describe, expect, it } from '@jest/globals';
import { chooseAdapters } from './adapter-choice.ts';
import { readSettings } from './settings.ts';

const chosen = (env: Record<string, string>) => chooseAdapters(readSettings({}, env));

describe('chooseAdapters', () => {
  it('goes by the storage', () => {
    expect(chosen({})).toEqual({
      log: 'sqlite',
      store: 'iceberg',
      catalog: 'sqlite',
      objects: 'filesystem',
      engine: 'duckdb',
      dedup: null,
    });
    expect(chosen({ K2_STORAGE: 'services' })).toMatchObject({ log: 'kafka', catalog: 'postgres', objects: 's3' });
    expect(chosen({ K2_STORAGE: 'memory' })).toMatchObject({ log: 'memory', store: 'memory', engine: 'memory' });
  });

  it('lets each be named, a package of others too', () => {
    expect(chosen({ K2_STORAGE: 'services', K2_OBJECTS: 'filesystem' })).toMatchObject({ objects: 'filesystem' });
    expect(chosen({ K2_STORE: '@acme/k2-clickhouse' })).toMatchObject({
      store: '@acme/k2-clickhouse',
      engine: '@acme/k2-clickhouse',
      catalog: null,
      objects: null,
    });
  });

  it('lets Trino answer over tables that it can reach, and no others', () => {
    expect(chosen({ K2_STORAGE: 'services', K2_ENGINE: 'trino' })).toMatchObject({ engine: 'trino' });
    expect(() => chosen({ K2_ENGINE: 'trino' })).toThrow('these are in the catalog sqlite and its files in filesystem');
    expect(() => chosen({ K2_STORAGE: 'services', K2_OBJECTS: 'filesystem', K2_ENGINE: 'trino' })).toThrow(
      'its files in filesystem: set K2_STORAGE to services',
    );
    expect(() => chosen({ K2_STORE: '@acme/k2-clickhouse', K2_ENGINE: 'trino' })).toThrow('store @acme/k2-clickhouse');
  });

  it('refuses what does not go together', () => {
    expect(() => chosen({ K2_STORE: 'memory', K2_CATALOG: 'postgres' })).toThrow(
      'K2_CATALOG is postgres, but the store is memory',
    );
    expect(() => chosen({ K2_ENGINE: 'memory' })).toThrow('cannot read what the store iceberg keeps');
    expect(() => chosen({ K2_LOG: 'pulsar' })).toThrow(
      'K2_LOG is "pulsar": expected one of auto, sqlite, kafka, memory, or',
    );
  });
});
