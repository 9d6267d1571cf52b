import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { REPOSITORY } from './built-process.ts';
import { scratchDirectory, withLogs } from './scenario.ts';
import { runServer, ServerUnderTest } from './server-under-test.ts';

const PACKAGE = '@acme/k2-sqlite-objects';
const SOURCE = join(REPOSITORY, 'tools/examples/sqlite-objects/index.ts');
const TAPE = 'simulator:ticks=5000,rate=max,seed=7,start=2026-01-05T14:30:00Z,session=s';

/** The built server with an adapter that K2 knows only by configuration. */
describe('an adapter of another package', () => {
  it.each([
    ['its name', PACKAGE],
    ['the path of its source', SOURCE],
  ])(
    'is loaded by %s, and is where everything lies',
    withLogs(async (_, name: string) => {
      const data = scratchDirectory();
      const file = join(data, 'objects.db');
      const env = { K2_OBJECTS: name, ACME_OBJECTS_FILE: file };
      const server = await ServerUnderTest.start({ data, feed: TAPE, env });
      await server.drained();
      const total = 'SELECT (SELECT count(*) FROM trades) + (SELECT count(*) FROM quotes) AS ticks';
      expect(await server.sql(total)).toEqual([{ ticks: 5_000 }]);
      expect((await server.stop()).code).toBe(0);

      expect(existsSync(join(data, 'warehouse'))).toBe(false);
      const keys = keysIn(file);
      expect(keys.filter((key) => key.endsWith('.parquet')).length).toBeGreaterThan(1);
      expect(keys.filter((key) => key.endsWith('.metadata.json')).length).toBeGreaterThan(1);

      // The next process finds it all there.
      const next = await ServerUnderTest.start({ data, env });
      expect(await next.sql(total)).toEqual([{ ticks: 5_000 }]);
      expect((await next.stop()).code).toBe(0);
    }),
    60_000,
  );

  it.each([
    ['is not installed', { K2_OBJECTS: '@acme/k2-nothing' }, ['K2_OBJECTS is @acme/k2-nothing', 'install it']],
    ['is not there', { K2_OBJECTS: './nowhere.mjs' }, ['K2_OBJECTS is ./nowhere.mjs', 'cannot be loaded']],
    ['has no such port', { K2_LOG: PACKAGE }, [`K2_LOG is ${PACKAGE}`, 'offers objects', 'k2.log']],
    ['is no adapter', { K2_OBJECTS: '@k2/domain/market' }, ['exports no `k2`', 'k2.objects']],
    ['misses a setting of its own', { K2_OBJECTS: PACKAGE }, ['ACME_OBJECTS_FILE is not set']],
  ] satisfies [string, Record<string, string>, string[]][])(
    'that %s ends the start, and one line says why',
    withLogs(async (_, env: Record<string, string>, expected: string[]) => {
      const data = join(scratchDirectory(), 'lake');
      const { code, stdout, stderr } = await runServer([], { K2_DATA: data, K2_FEED: 'none', K2_PORT: '0', ...env });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      for (const text of expected) expect(stderr).toContain(text);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }),
    30_000,
  );
});

function keysIn(file: string): string[] {
  const database = new DatabaseSync(file, { readOnly: true });
  const keys = database.prepare('SELECT key FROM objects ORDER BY key').all() as unknown as { key: string }[];
  database.close();
  return keys.map(({ key }) => key);
}
