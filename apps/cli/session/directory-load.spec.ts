import { expect, it } from '@jest/globals';
import type { MarketFeed } from '@k2/ports';
import { loadIntoPlatform } from './directory-load.ts';
import { listed, type K2Session } from './session.ts';

const AT = { topicPartition: { topic: 'market.equities.trades.asx', partition: 0 } };
const NOTHING = { trades: 0, quotes: 0, quarantined: 0, refused_us: 0 };

/** A platform whose log ends at `endOffset`, and whose sink commits a record between two looks. */
function platformWith(endOffset: number, committed: number) {
  let nextOffset = committed;
  const ports = {
    log: {
      topics: () => Promise.resolve([{ name: AT.topicPartition.topic }]),
      offsets: () => Promise.resolve([{ ...AT.topicPartition, startOffset: 0, endOffset }]),
    },
    store: { progress: () => Promise.resolve([{ ...AT.topicPartition, nextOffset: nextOffset++ }]) },
    scheduler: { sleep: () => Promise.resolve() },
  };
  const comparison = { notTakenRows: 0 };
  const lake = { beforeUs: 1, afterUs: 2 };
  const report = { readRows: 4, lake, othersWrote: false, committed: true, comparison };
  const load = () => Promise.resolve(report);
  return { ports, load } as unknown as Parameters<typeof loadIntoPlatform>[0];
}

const load = (
  platform: Parameters<typeof loadIntoPlatform>[0],
  query: K2Session['query'] = () => Promise.resolve(listed([NOTHING])),
) =>
  loadIntoPlatform(platform, {} as MarketFeed, 'asx:files', { query }, new AbortController().signal, () => undefined);

it('what an interrupted load left in the log is committed first, and said', async () => {
  expect(await load(platformWith(3, 1))).toMatchObject({ rows: 4, duplicates: 4, earlierRecords: 2 });
});

it('nothing is said of a log that was committed', async () => {
  expect(await load(platformWith(3, 3))).not.toHaveProperty('earlierRecords');
});

it('rows are counted from before the load if its first snapshot has expired meanwhile', async () => {
  const query: K2Session['query'] = (_sql, _limit, asOf) => {
    if (asOf?.kind === 'time' && asOf.timeUs === 1) return Promise.reject(new Error('expired'));
    return Promise.resolve(listed([{ ...NOTHING, trades: asOf?.kind === 'time' ? 13 : 10 }]));
  };
  expect(await load(platformWith(3, 3), query)).toMatchObject({ kept: { trades: 3 }, duplicates: 1 });
});
