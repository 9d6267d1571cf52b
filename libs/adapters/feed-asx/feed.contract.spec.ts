import { fileURLToPath } from 'node:url';
import { marketFeedContract } from '@k2/testing/contracts';
import { AsxFeed } from './feed.ts';

const directory = fileURLToPath(new URL('test-data/invented', import.meta.url));

for (const rowsMax of [7, 65_536]) {
  marketFeedContract(`asx, batches of ${rowsMax}`, {
    create: () => ({
      feed: new AsxFeed(
        { directory, rowsMax },
        { clock: { nowUs: () => 1_767_600_000_000_000, monotonicUs: () => 0 } },
      ),
      // Trades 120 + 20 lines, of which 4 are broken and 1 is blank; quotes 60.
      expected: { ticks: 195, rejections: 4 },
    }),
    capabilities: { finite: true },
  });
}
