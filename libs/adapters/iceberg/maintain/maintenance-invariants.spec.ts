import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { PortError } from '@k2/ports';
import fc from 'fast-check';
import type { SnapshotRetention } from '@k2/domain/lake';
import { MaintainedLake, TRADES } from '../test-support/maintained-lake.ts';
import { reachedKeys } from '../test-support/read-table.ts';
import { readRows } from '../test-support/read-rows.ts';

const RETENTION: SnapshotRetention = { keepNewest: 2, tiers: [{ ageMs: 86_400_000, everyMs: 3_600_000 }] };
const HOUR_MS = 3_600_000;

type Step =
  | { readonly kind: 'commit'; readonly day: number }
  | { readonly kind: 'compact'; readonly filesMin: number; readonly isClosed: boolean }
  | { readonly kind: 'expire' | 'orphans' | 'manifests' }
  | { readonly kind: 'wait'; readonly ms: number };

/** What the catalog does with a change: applies it or not, and answers or not. */
type Fate = 'applied' | 'lost-applied' | 'lost' | 'conflict';

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('commit' as const), day: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('compact' as const),
      filesMin: fc.integer({ min: 2, max: 4 }),
      isClosed: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('expire', 'orphans', 'manifests') }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 2 * HOUR_MS }) }),
  },
);
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 6, arbitrary: fc.constant('applied' as const) },
  { weight: 1, arbitrary: fc.constantFrom('lost-applied', 'lost', 'conflict') },
);

describe('any sequence of commits and maintenance, on a catalog that loses answers', () => {
  jest.setTimeout(300_000);
  let world: MaintainedLake;
  afterEach(() => world.close());

  async function run(one: Step): Promise<number | null> {
    const { maintenance, lake } = world;
    switch (one.kind) {
      case 'commit':
        await world.commit(one.day);
        return 3;
      case 'compact':
        await world.compact({ filesMin: one.filesMin, ...(one.isClosed ? {} : { closedBeforeUs: 0 }) });
        return null;
      case 'expire':
        await maintenance.expireSnapshots(TRADES, RETENTION, { dryRun: false });
        return null;
      case 'orphans': {
        const olderThanUs = lake.clock.nowUs() - HOUR_MS * 1_000;
        await maintenance.removeOrphans(TRADES, { dryRun: false, olderThanUs });
        return null;
      }
      case 'manifests':
        await maintenance.rewriteManifests(TRADES, { dryRun: false });
        return null;
      case 'wait':
        lake.clock.advanceMs(one.ms);
        return null;
    }
  }

  /** Every snapshot has all of its files and rows; the newest has each row exactly once. */
  async function check(rowCount: number): Promise<void> {
    await reachedKeys(world.lake, TRADES);
    const sequences = await world.sequences();
    expect(sequences).toHaveLength(rowCount);
    expect(new Set(sequences).size).toBe(rowCount);
    for (const { snapshotId, totalRows, totalFiles, progress } of await world.store.snapshots(TRADES, 1_000)) {
      const plan = await world.store.plan({ table: TRADES, asOf: { kind: 'snapshot', snapshotId } });
      const rows = await readRows(plan, world.lake.objects);
      expect([rows.length, plan.files.length]).toEqual([totalRows, totalFiles]);
      // One offset is three rows, and nothing drops any.
      expect(progress.map(({ nextOffset }) => nextOffset)).toEqual([totalRows / 3]);
    }
  }

  it('loses no row and no file that a snapshot needs', async () => {
    const steps = fc.array(step, { minLength: 10, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(steps, fc.array(fate, { minLength: 40, maxLength: 40 }), async (all, fates) => {
        world = await MaintainedLake.create({ manifestsMax: 4, metadataVersionsMax: 3 });
        let changes = 0;
        world.lake.catalog.intercept = (_, apply) => {
          const next = fates[changes++ % fates.length];
          if (next === 'conflict') throw new PortError('commit-conflict', 'moved', {}, { retryable: true });
          if (next !== 'lost') apply();
          if (next !== 'applied') throw new PortError('unknown-outcome', 'the connection was lost while committing');
        };
        let rowCount = 0;
        for (const one of all) rowCount += (await run(one)) ?? 0;
        await check(rowCount);
        // When the faults stop, nothing is left behind.
        world.lake.catalog.intercept = null;
        world.lake.clock.advanceMs(3 * HOUR_MS);
        await run({ kind: 'expire' });
        await run({ kind: 'orphans' });
        await check(rowCount);
        const reached = await reachedKeys(world.lake, TRADES);
        expect((await world.lake.keys('market_data/trades/')).filter((key) => !reached.has(key))).toEqual([]);
        await world.close();
      }),
      { numRuns: 6 },
    );
  });
});
