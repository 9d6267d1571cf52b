import type { Platform } from '@k2/composition';
import type { FeedEvent, MarketFeed } from '@k2/ports';
import { untilCommitted } from '@k2/usecases';
import { RefusalTally } from './refusal-tally.ts';
import { collectRows, type K2Session, type LoadProgress, type LoadSummary } from './session.ts';

/** What the lake holds of the feed's venues. */
interface LakeCounts {
  readonly trades: number;
  readonly quotes: number;
  readonly quarantined: number;
}

/**
 * Carries a finite feed into the platform. What was kept is counted in the lake, before and after: nothing else writes
 * to a directory that this process has opened for writing.
 */
export async function loadIntoPlatform(
  platform: Pick<Platform, 'load' | 'ports'>,
  feed: MarketFeed,
  lake: Pick<K2Session, 'query'>,
  signal: AbortSignal,
  progress: (progress: LoadProgress) => void,
): Promise<LoadSummary> {
  // What an interrupted load left in the log is that load's, not this one's.
  await untilCommitted(platform.ports, signal);
  const before = await countLake(lake, feed);
  const refusals = new RefusalTally();
  const at = { doneBytes: 0, totalBytes: 0, rows: 0 };
  const report = await platform.load(feed, signal, (event: FeedEvent) => {
    if (event.kind === 'ticks') at.rows += event.batch.rowCount;
    else if (event.kind === 'rejections') {
      at.rows += event.rejections.length;
      for (const { reason, source, position } of event.rejections) refusals.add(reason, `${source}:${position}`);
    } else if (event.kind === 'progress')
      Object.assign(at, { doneBytes: event.doneBytes, totalBytes: event.totalBytes });
    progress({ ...at });
  });
  const rows = report.acknowledgedTicks + report.acknowledgedRejections;
  if (!report.committed) {
    const kept = { trades: 0, quotes: 0 };
    return { feed: feed.name, rows, committed: false, kept, duplicates: 0, quarantined: 0, refusals: refusals.list() };
  }
  const after = await countLake(lake, feed);
  const kept = { trades: after.trades - before.trades, quotes: after.quotes - before.quotes };
  const quarantined = after.quarantined - before.quarantined;
  return {
    feed: feed.name,
    rows,
    committed: true,
    kept,
    duplicates: rows - kept.trades - kept.quotes - quarantined,
    quarantined,
    refusals: refusals.list(),
  };
}

async function countLake(lake: Pick<K2Session, 'query'>, { venues }: MarketFeed): Promise<LakeCounts> {
  const exchanges = venues.map(({ exchange }) => `'${exchange.replaceAll("'", "''")}'`).join(', ');
  const count = (table: string) => `(select count(*) from ${table} where exchange in (${exchanges}))`;
  const sql = `select ${count('trades')} as trades, ${count('quotes')} as quotes, ${count('quarantine')} as quarantined`;
  const [row] = await collectRows(await lake.query(sql, 1));
  return { trades: Number(row!['trades']), quotes: Number(row!['quotes']), quarantined: Number(row!['quarantined']) };
}
