import { execFile } from 'node:child_process';
import { chmod, chown, readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { placed, plannedRows, tradeBatch } from '@k2/testing/builders';
import { engineConfinement, type Confinement } from './engine-confinement.ts';
import { confinedCommand } from './engine-process.ts';
import type { HostileTask } from './test-support/hostile-engine.ts';
import { LocalLake, quoted } from './test-support/local-lake.ts';

const run = promisify(execFile);
const HOSTILE = new URL('./test-support/hostile-engine.ts', import.meta.url).pathname;
/** Nobody in particular. */
const ORDINARY_UID = 65_534;

describe('a process of the engine that was given hostile SQL', () => {
  let lake: LocalLake;
  let path: string;
  let task: HostileTask;
  beforeEach(async () => {
    lake = await LocalLake.create();
    const plans = await lake.plansFor(plannedRows({ ticks: [placed(tradeBatch({ count: 3 }))] }));
    const scans = plans.map(({ table, fields, files }) => ({
      table,
      fields,
      paths: files.map(({ key }) => lake.path(key)),
    }));
    [path] = scans[0].paths;
    // As object stores give them out.
    await chmod(path, 0o444);
    const target = quoted(path);
    task = {
      scans,
      texts: [
        'SELECT count(*) FROM trades',
        `COPY (SELECT 1 AS pwned) TO ${target} (FORMAT csv, USE_TMP_FILE false)`,
        `COPY (SELECT 1 AS pwned) TO ${target} (FORMAT parquet, USE_TMP_FILE false)`,
        `COPY trades TO ${target} (FORMAT json, USE_TMP_FILE false)`,
      ],
    };
  });
  afterEach(() => lake.close());

  /** The errors of the texts; the data file has to be what it was. */
  async function outcomes(confinement: Confinement): Promise<readonly (string | null)[]> {
    const before = await readFile(path);
    const node = [process.execPath, '--conditions=k2-source', HOSTILE, JSON.stringify(task)];
    const [program, ...args] = confinedCommand(node, 1e9, confinement);
    const { stdout } = await run(program, args);
    expect((await readFile(path)).equals(before)).toBe(true);
    expect((await stat(path)).mode & 0o222).toBe(0);
    return JSON.parse(stdout) as readonly (string | null)[];
  }

  const ALL_REFUSED = [null, ...Array.from({ length: 3 }, () => expect.stringMatching(/Permission denied/))];

  it('changes no data file, though the lock-down of DuckDB lets it: as the user of the server', async () => {
    const confinement = await engineConfinement();
    expect(confinement.weakness).toBeNull();
    expect(await outcomes(confinement)).toEqual(ALL_REFUSED);
  });

  // An ordinary user has run the same above.
  if (process.getuid?.() === 0) {
    it('changes no data file as an ordinary user either', async () => {
      await chown(path, ORDINARY_UID, ORDINARY_UID);
      await chmod(lake.path('.'), 0o755);
      const ids = [`--reuid=${ORDINARY_UID}`, `--regid=${ORDINARY_UID}`, '--clear-groups'];
      expect(await outcomes({ prefix: ['setpriv', ...ids], weakness: null })).toEqual(ALL_REFUSED);
    });
  }
});
