import { describe, expect, it } from '@jest/globals';
import { memoryWorld } from '@k2/adapter-memory';
import type { TickStore } from '@k2/ports';
import { runSinkWorld } from '@k2/testing/simulation';

const SEEDS = 25;

describe('the sink, in a world of crashes, zombies, lost replies, hand-overs and limits', () => {
  // `npm run sim` runs thousands.
  it(`has every acknowledged tick in the table exactly once, on ${SEEDS} seeds`, async () => {
    let crashes = 0;
    let freezes = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const report = await simulate(seed);
      crashes += report.crashes;
      freezes += report.freezes;
      expect({ replayWith: `npm run sim -- --seed ${seed}`, violations: report.violations }).toEqual({
        replayWith: expect.anything(),
        violations: [],
      });
    }
    expect(crashes).toBeGreaterThan(SEEDS);
    expect(freezes).toBeGreaterThan(0);
  }, 120_000);

  it('is the same world for the same seed', async () => {
    expect(await simulate(7)).toEqual(await simulate(7));
  }, 60_000);

  it('would find a store that takes the commits of zombies', async () => {
    const forgiving = (store: TickStore): TickStore => {
      const commit: TickStore['commit'] = async (staged, progress) => {
        const now = new Map((await store.progress()).map((at) => [`${at.topic}/${at.partition}`, at]));
        const claims = await store.claim(
          'forger',
          progress.partitions.map(({ claim }) => claim),
        );
        const partitions = progress.partitions.map(({ nextOffset }, i) => ({
          claim: claims[i],
          nextOffset: Math.max(nextOffset, now.get(`${claims[i].topic}/${claims[i].partition}`)?.nextOffset ?? 0),
        }));
        return store.commit(staged, { ...progress, partitions });
      };
      return new Proxy(store, { get: (of, name) => (name === 'commit' ? commit : bound(of, name)) });
    };
    expect(await anyViolation(forgiving)).toBe(true);
  }, 120_000);

  it('would find a store that moves the progress without the sequencer states', async () => {
    const forgetful = (store: TickStore): TickStore => {
      const commit: TickStore['commit'] = (staged, progress) => store.commit(staged, { ...progress, state: new Map() });
      return new Proxy(store, { get: (of, name) => (name === 'commit' ? commit : bound(of, name)) });
    };
    expect(await anyViolation(forgetful)).toBe(true);
  }, 120_000);
});

async function anyViolation(plant: (store: TickStore) => TickStore): Promise<boolean> {
  for (let seed = 1; seed <= 20; seed++) if ((await simulate(seed, plant)).violations.length > 0) return true;
  return false;
}

async function simulate(seed: number, plant: (store: TickStore) => TickStore = (store) => store) {
  const ports = await memoryWorld(seed);
  return runSinkWorld(seed, { ...ports, store: plant(ports.store) });
}

function bound(store: TickStore, name: string | symbol): unknown {
  const member: unknown = Reflect.get(store, name);
  return typeof member === 'function' ? member.bind(store) : member;
}
