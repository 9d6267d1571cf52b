import type { AsOf } from '@k2/ports';
import type { LoadReport } from '@k2/usecases';
import { collectRows, type K2Session, type LoadSummary, type Refusal } from './session.ts';

type Lake = Pick<K2Session, 'query'>;

/** What the lake holds of one venue. */
interface LakeCounts {
  readonly trades: number;
  readonly quotes: number;
  readonly quarantined: number;
  /** When the newest entry of its quarantine was refused; 0 where there is none. */
  readonly refusedUs: number;
}

/** How a load ran, as whatever ran it says. */
export type LoadRun = Pick<LoadReport, 'committed' | 'readRows' | 'lake' | 'othersWrote' | 'unread' | 'comparison'>;

const EMPTY: LakeCounts = { trades: 0, quotes: 0, quarantined: 0, refusedUs: 0 };

/**
 * Runs a load and says what became of its rows, by counting in the lake as of the instants between which it was committed:
 * what other loads of the same process brought before or after it is none of its rows.
 */
export async function accountLoad(lake: Lake, feed: string, run: () => Promise<LoadRun>): Promise<LoadSummary> {
  const exchange = feed.slice(0, feed.indexOf(':')).toUpperCase();
  const early = await countLake(lake, exchange, { kind: 'latest' });
  const { readRows: rows, committed, lake: instants, othersWrote, unread, comparison } = await run();
  const { beforeUs, afterUs } = instants;
  const of = { feed, rows, committed, othersWrote, unread, comparison };
  if (!committed || afterUs === null)
    return { ...of, kept: { trades: 0, quotes: 0 }, duplicates: 0, quarantined: 0, refusals: [] };
  // During a long load maintenance may have expired the snapshot that the load began with.
  const before =
    beforeUs === null ? EMPTY : await countLake(lake, exchange, { kind: 'time', timeUs: beforeUs }).catch(() => early);
  const after = await countLake(lake, exchange, { kind: 'time', timeUs: afterUs });
  // What others wrote at the same time can't be told from the load's own, but that is never more than it has rows for.
  let left = rows - comparison.notTakenRows;
  const ownPart = (count: number) => {
    const own = Math.min(count, left);
    left -= own;
    return own;
  };
  const quarantined = ownPart(after.quarantined - before.quarantined);
  const kept = { trades: ownPart(after.trades - before.trades), quotes: ownPart(after.quotes - before.quotes) };
  const refusals = quarantined === 0 ? [] : await newRefusals(lake, exchange, before.refusedUs, afterUs);
  return { ...of, kept, duplicates: left, quarantined, refusals };
}

async function countLake(lake: Lake, exchange: string, asOf: AsOf): Promise<LakeCounts> {
  const count = (table: string) => `(select count(*) from ${table} where exchange = '${exchange}')`;
  const refused = `(select max(epoch_us(ingestion_timestamp)) from quarantine where exchange = '${exchange}')`;
  const sql = `select ${count('trades')} as trades, ${count('quotes')} as quotes, ${count('quarantine')} as quarantined,
    coalesce(${refused}, 0) as refused_us`;
  const [row] = await collectRows(await lake.query(sql, 1, asOf));
  const [trades, quotes, quarantined, refusedUs] = ['trades', 'quotes', 'quarantined', 'refused_us'].map((name) =>
    Number(row![name]),
  );
  return { trades: trades!, quotes: quotes!, quarantined: quarantined!, refusedUs: refusedUs! };
}

/** `file:line`; a tick that was refused after it was numbered has no line any more, but a name. */
const WHERE = "case source when 'log' then quarantine_id else source || ':' || position end";
const PLACES_NAMED = 3;
const ROWS_MAX = 1_000;

/** Entries of the quarantine newer than `newerThanUs`, as of `asOfUs`. */
async function newRefusals(
  lake: Lake,
  exchange: string,
  newerThanUs: number,
  asOfUs: number,
): Promise<readonly Refusal[]> {
  const rank = 'row_number() over (partition by reason order by source, position)';
  const sql = `select reason, place, n from (
      select reason, ${WHERE} as place, count(*) over (partition by reason) as n, ${rank} as rank from quarantine
      where exchange = '${exchange}' and epoch_us(ingestion_timestamp) > ${newerThanUs}
    ) where rank <= ${PLACES_NAMED} order by n desc, reason, rank`;
  const byReason = new Map<string, { reason: string; count: number; places: string[] }>();
  for (const { reason, place, n } of await collectRows(
    await lake.query(sql, ROWS_MAX, { kind: 'time', timeUs: asOfUs }),
  )) {
    const name = String(reason);
    const refusal = byReason.get(name) ?? { reason: name, count: Number(n), places: [] };
    refusal.places.push(String(place));
    byReason.set(name, refusal);
  }
  return [...byReason.values()];
}
