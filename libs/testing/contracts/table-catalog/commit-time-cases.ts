import { expect, it } from '@jest/globals';
import { isPortError } from '@k2/ports';
import { pointer, QUOTES, TRADES, type CatalogBench } from './bench.ts';

/** Commits are in the order of their times. */
export function commitTimeCases(bench: CatalogBench): void {
  it('17 takes commits in the order of their times only, whatever their tables and whoever made them', async () => {
    expect(await bench.catalog.lastCommitUs()).toBeNull();
    await bench.catalog.apply(bench.change({ tables: [pointer(TRADES, null, 't1')], committedUs: 1_000 }));
    const behind = await bench.another();
    const claim = await bench.claimOne('w');
    for (const committedUs of [999, 1_000]) {
      const late = bench.change({
        tables: [pointer(QUOTES, null, 'q1')],
        progress: [{ claim, nextOffset: 1 }],
        committedUs,
      });
      await expect(behind.apply(late)).rejects.toMatchObject({
        kind: 'commit-conflict',
        retryable: true,
        context: { committedUs, lastCommitUs: 1_000 },
      });
      expect(await behind.committed(late.changeId)).toBe(false);
    }
    expect(await behind.metadataLocation(QUOTES)).toBeNull();
    expect(await behind.progress()).toMatchObject([{ nextOffset: 0 }]);
    expect(await behind.lastCommitUs()).toBe(1_000);
    await behind.apply(bench.change({ tables: [pointer(QUOTES, null, 'q1')], committedUs: 1_001 }));
    expect(await bench.catalog.lastCommitUs()).toBe(1_001);
  });

  it('18 leaves what is pinned at a commit time as it is, under writers of other tables and other clocks', async () => {
    const catalogs = [bench.catalog, await bench.another()];
    const committed = new Map<string, number>();
    const pins: { readonly atUs: number; readonly seen: ReadonlyMap<string, string> }[] = [];
    let writing = 4;
    const write = async (writer: number) => {
      const table = `market.t${writer}`;
      const own = catalogs[writer % 2];
      for (let round = 0, last: string | null = null; round < 10;) {
        const next: string = `${table} ${round}`;
        const clockUs = 1_000_000 + round * 10 - writer * 500;
        const committedUs = Math.max(clockUs, ((await own.lastCommitUs()) ?? 0) + 1);
        try {
          await own.apply(bench.change({ tables: [pointer(table, last, next)], committedUs }));
        } catch (error) {
          if (isPortError(error, 'commit-conflict')) continue;
          throw error;
        }
        committed.set(next, committedUs);
        last = next;
        round++;
      }
      writing--;
    };
    const read = async () => {
      while (writing > 0) {
        const atUs = await bench.catalog.lastCommitUs();
        if (atUs !== null) pins.push({ atUs, seen: await bench.catalog.tables() });
      }
    };
    await Promise.all([0, 1, 2, 3].map(write).concat(read()));
    for (const { atUs, seen } of pins) {
      for (const [next, committedUs] of committed) {
        const location = seen.get(next.split(' ')[0]);
        const seenUs = location === undefined ? -Infinity : committed.get(location)!;
        if (committedUs <= atUs) expect(seenUs).toBeGreaterThanOrEqual(committedUs);
      }
    }
  });
}
