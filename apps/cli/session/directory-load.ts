import type { Platform } from '@k2/composition';
import type { MarketFeed } from '@k2/ports';
import { untilCommitted } from '@k2/usecases';
import { accountLoad } from './account-load.ts';
import type { K2Session, LoadProgress, LoadSummary } from './session.ts';

/** Carries a finite feed into a platform of this process. */
export async function loadIntoPlatform(
  platform: Pick<Platform, 'load' | 'ports'>,
  feed: MarketFeed,
  spec: string,
  lake: Pick<K2Session, 'query'>,
  signal: AbortSignal,
  progress: (progress: LoadProgress) => void,
): Promise<LoadSummary> {
  // What an interrupted load left in the log is that load's, not this one's.
  let earlierRecords = 0;
  await untilCommitted(platform.ports, signal, (left) => (earlierRecords = Math.max(earlierRecords, left)));
  const summary = await accountLoad(lake, spec, async () => {
    const at = { doneBytes: 0, totalBytes: 0, rows: 0 };
    const report = await platform.load(feed, signal, (event) => {
      if (event.kind === 'ticks') at.rows += event.batch.rowCount;
      else if (event.kind === 'rejections') at.rows += event.rejections.length;
      else if (event.kind === 'progress') {
        at.doneBytes = event.doneBytes;
        at.totalBytes = event.totalBytes;
      }
      progress({ ...at });
    });
    return report;
  });
  return earlierRecords === 0 ? summary : { ...summary, earlierRecords };
}
