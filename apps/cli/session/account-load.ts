import type { LoadComparison } from '@k2/usecases';
import { collectRows, type K2Session, type LoadSummary, type Refusal, type UnreadFiles } from './session.ts';

type Lake = Pick<K2Session, 'query'>;

/** What the lake holds of one venue. */
interface LakeCounts {
  readonly trades: number;
  readonly quotes: number;
  readonly quarantined: number;
  /** When the newest entry of its quarantine was refused; 0 where there is none. */
  readonly refusedUs: number;
}

/** How a load ran, by whoever ran it. */
export interface LoadRun {
  /** Rows of the source, refused ones and such as were not taken included. */
  readonly rows: number;
  readonly committed: boolean;
  readonly unread: UnreadFiles;
  readonly comparison: LoadComparison;
}

/** Runs a load and says what became of its rows, by counting in the lake before and after. */
export async function accountLoad(lake: Lake, feed: string, run: () => Promise<LoadRun>): Promise<LoadSummary> {
  const exchange = feed.slice(0, feed.indexOf(':')).toUpperCase();
  const before = await countLake(lake, exchange);
  const { rows, committed, unread, comparison } = await run();
  if (!committed) {
    const kept = { trades: 0, quotes: 0 };
    return { feed, rows, committed, kept, duplicates: 0, quarantined: 0, refusals: [], unread, comparison };
  }
  const after = await countLake(lake, exchange);
  const kept = { trades: after.trades - before.trades, quotes: after.quotes - before.quotes };
  const quarantined = after.quarantined - before.quarantined;
  return {
    feed,
    rows,
    committed,
    kept,
    duplicates: Math.max(0, rows - kept.trades - kept.quotes - quarantined - comparison.notTakenRows),
    quarantined,
    refusals: quarantined === 0 ? [] : await newRefusals(lake, exchange, before.refusedUs),
    unread,
    comparison,
  };
}

async function countLake(lake: Lake, exchange: string): Promise<LakeCounts> {
  const count = (table: string) => `(select count(*) from ${table} where exchange = '${exchange}')`;
  const refused = `(select max(epoch_us(ingestion_timestamp)) from quarantine where exchange = '${exchange}')`;
  const sql = `select ${count('trades')} as trades, ${count('quotes')} as quotes, ${count('quarantine')} as quarantined,
    coalesce(${refused}, 0) as refused_us`;
  const [row] = await collectRows(await lake.query(sql, 1));
  const [trades, quotes, quarantined, refusedUs] = ['trades', 'quotes', 'quarantined', 'refused_us'].map((name) =>
    Number(row![name]),
  );
  return { trades: trades!, quotes: quotes!, quarantined: quarantined!, refusedUs: refusedUs! };
}

/** `file:line`; a tick that was refused after it was numbered has no line any more, but a name. */
const WHERE = "case source when 'log' then quarantine_id else source || ':' || position end";
const PLACES_NAMED = 3;
const ROWS_MAX = 1_000;

async function newRefusals(lake: Lake, exchange: string, afterUs: number): Promise<readonly Refusal[]> {
  const rank = 'row_number() over (partition by reason order by source, position)';
  const sql = `select reason, place, n from (
      select reason, ${WHERE} as place, count(*) over (partition by reason) as n, ${rank} as rank from quarantine
      where exchange = '${exchange}' and epoch_us(ingestion_timestamp) > ${afterUs}
    ) where rank <= ${PLACES_NAMED} order by n desc, reason, rank`;
  const byReason = new Map<string, { reason: string; count: number; places: string[] }>();
  for (const { reason, place, n } of await collectRows(await lake.query(sql, ROWS_MAX))) {
    const name = String(reason);
    const refusal = byReason.get(name) ?? { reason: name, count: Number(n), places: [] };
    refusal.places.push(String(place));
    byReason.set(name, refusal);
  }
  return [...byReason.values()];
}
