import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TickLog } from '@k2/ports';
import { Loads, untilCommitted, type LoadReport } from '@k2/usecases';
import { openPlatform, readSettings, type OpenPlatform } from './index.ts';

let directory: string;
let opened: OpenPlatform;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'k2-loads-'));
  const flags = { storage: 'memory', role: 'sink', feed: 'none', logLevel: 'error', data: directory };
  opened = await openPlatform(readSettings(flags, { K2_FLUSH_INTERVAL_MS: '10' }), { access: 'write' });
  opened.platform.start();
});
afterEach(async () => {
  await opened.close();
  await rm(directory, { recursive: true });
});

/** A directory of one company and day, each row at the price. */
async function files(name: string, price: string, rows: number): Promise<string> {
  const at = join(directory, name);
  for (const folder of ['trades', 'reference-data']) await mkdir(join(at, folder), { recursive: true });
  await writeFile(
    join(at, 'reference-data/company_info.csv'),
    'company_id,symbol,start_date,end_date\n1,AAA,01/01/2000,\n',
  );
  const lines = Array.from({ length: rows }, (_, row) => `03/10/2014,10:00:0${row}.000,${price},100,0,X,9\n`);
  await writeFile(join(at, 'trades/1.csv'), lines.join(''));
  return `asx:${at}`;
}

const never = () => new AbortController().signal;
const load = (spec: string, signal = never(), waits?: (ahead: string) => void) =>
  opened.platform.load(opened.createFeed(spec), signal, undefined, waits);

const differing = ({ comparison }: LoadReport) =>
  comparison.differences.map(({ kind, changedRows }) => [kind, changedRows]);
async function rowsInLake(): Promise<number> {
  return (await opened.platform.ports.store.snapshots('market_data.trades', 1))[0].totalRows;
}

describe('two loads at once of different files for one session', () => {
  it('in one process take turns: the second is compared with what the first brought', async () => {
    const [first, second] = [await files('a', '1.5', 3), await files('b', '2.5', 5)];
    const ahead: string[] = [];
    const reports = await Promise.all([load(first), load(second, never(), (of) => ahead.push(of))]);
    expect(ahead).toEqual([first]);
    expect(reports.map(differing)).toEqual([[], [['rows-changed', 3]]]);
    expect(reports.map(({ readRows, comparison }) => [readRows, comparison.notTakenRows])).toEqual([
      [3, 0],
      [5, 5],
    ]);
    expect(await rowsInLake()).toBe(3);
    // Of the lake as each found it and left it: what the one brought is not the other's.
    expect(reports[0].lake.beforeUs).toBeNull();
    expect(reports[1].lake.beforeUs).toBe(reports[0].lake.afterUs);
  });

  it('in two processes are compared again once committed: the rows that lost are named', async () => {
    const [first, second] = [await files('a', '1.5', 3), await files('b', '2.5', 5)];
    const { ports } = opened.platform;
    // Both have looked at the lake before either has written to the log.
    const both = Promise.withResolvers<void>();
    let arrived = 0;
    const processOf = (place: number) => {
      const append: TickLog['append'] = async (topic, payload) => {
        if (++arrived === 2) both.resolve();
        await both.promise;
        for (let turn = 0; turn < place; turn++) await ports.scheduler.sleep(20);
        return ports.log.append(topic, payload);
      };
      const log = new Proxy(ports.log, {
        get: (of, name) => {
          if (name === 'append') return append;
          const member: unknown = Reflect.get(of, name);
          return typeof member === 'function' ? member.bind(of) : member;
        },
      });
      return new Loads({ ...ports, log }, undefined, (signal) => untilCommitted(ports, signal));
    };
    const at = { signal: never(), stop: never() };
    const reports = await Promise.all(
      [first, second].map((spec, place) => processOf(place).load(opened.createFeed(spec), at)),
    );
    expect(reports.map(differing)).toEqual([[], [['rows-changed', 3]]]);
    expect(reports[1]).toMatchObject({ readRows: 5, othersWrote: true, comparison: { notTakenRows: 3 } });
    expect(await rowsInLake()).toBe(5);
  });

  it('wait for no turn any more once their caller has left', async () => {
    const [first, second] = [await files('a', '1.5', 3), await files('b', '2.5', 5)];
    const leave = new AbortController();
    const running = load(first);
    expect(await load(second, leave.signal, () => leave.abort())).toMatchObject({ state: 'stopped', committed: false });
    expect(await running).toMatchObject({ committed: true });
    expect((await load(first)).comparison.differingSessions).toBe(0);
    expect(await rowsInLake()).toBe(3);
  });
});
