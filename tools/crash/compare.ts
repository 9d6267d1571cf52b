import { openPlatform, type Settings } from '@k2/composition';
import { messageId, tickJson, type RecordType } from '@k2/domain/market';
import type { TickStore, QueryEngine } from '@k2/ports';
import { answerValue } from '@k2/usecases';
import type { Simulation } from '@k2/feed-simulator';
import type { RunTape } from './run-tape.ts';

export interface Verdict {
  readonly acknowledged: number;
  readonly inTables: number;
  readonly inQuarantine: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly foreign: number;
  readonly violations: readonly string[];
}

const QUESTIONS: Readonly<Record<RecordType, string>> = {
  trades: `select message_id, epoch_us(timestamp) || ' ' || price::varchar || ' ' || quantity::varchar as tick from trades where session = `,
  quotes: `select message_id, epoch_us(timestamp) || ' ' || bid_price::varchar || ' ' || bid_quantity::varchar || ' ' || ask_price::varchar || ' ' || ask_quantity::varchar as tick from quotes where session = `,
};
const REFUSED = `select quarantine_id from quarantine where quarantine_id like `;
const ROWS_MAX = 10_000_000;

/** A tape that was sent, and how much of it was acknowledged at least. */
export interface SentTape {
  readonly tape: RunTape;
  readonly atLeast: number;
}

/** Holds the tables and the quarantine against the tapes that were sent. */
export async function compareWithTape(settings: Settings, sent: readonly SentTape[]): Promise<Verdict> {
  const opened = await openPlatform(settings, { access: 'read' });
  const violations: string[] = [];
  const totals = { inTables: 0, inQuarantine: 0, lost: 0, duplicated: 0, foreign: 0 };
  for (const { tape, atLeast } of sent) {
    const found = await foundOf(opened.platform.ports, tape.session);
    const ofRun = check(tape.simulate(), found, atLeast, totals);
    violations.push(...ofRun.map((violation) => `${tape.session}: ${violation}`));
  }
  await opened.close();
  return { ...totals, acknowledged: sent.reduce((sum, { atLeast }) => sum + atLeast, 0), violations };
}

interface Found {
  /** Values by identity, `trades/…` or `quotes/…`; more than one where it is there more than once. */
  readonly ticks: Map<string, string[]>;
  readonly refused: Map<string, number>;
}

async function foundOf({ store, engine }: { store: TickStore; engine: QueryEngine }, session: string): Promise<Found> {
  const ticks = new Map<string, string[]>();
  const refused = new Map<string, number>();
  for (const recordType of ['trades', 'quotes'] as const) {
    await forEachRow(store, engine, `${QUESTIONS[recordType]}'${session}'`, ([id, tick]) => {
      const key = `${recordType}/${String(id)}`;
      const known = ticks.get(key);
      if (known === undefined) ticks.set(key, [String(tick)]);
      else known.push(String(tick));
    });
  }
  await forEachRow(store, engine, `${REFUSED}'%/${session}/%'`, ([id]) => {
    refused.set(String(id), (refused.get(String(id)) ?? 0) + 1);
  });
  return { ticks, refused };
}

/** What was taken of a run is the beginning of each series' tape: nothing is missing before the last tick taken. */
function check(
  held: Simulation,
  { ticks, refused }: Found,
  atLeast: number,
  totals: { inTables: number; inQuarantine: number; lost: number; duplicated: number; foreign: number },
): string[] {
  const violations: string[] = [];
  const missingOfSeries = new Map<string, string[]>();
  let left = ticks.size + refused.size;
  let taken = 0;
  for (const [key, values] of ticks) {
    totals.inTables += values.length;
    if (values.length > 1) violations.push(`${key} is in its table ${values.length} times`);
    totals.duplicated += values.length - 1;
  }
  for (const [key, count] of refused) {
    totals.inQuarantine += count;
    if (count > 1 || ticks.has(key)) violations.push(`${key} is in the quarantine and again`);
    totals.duplicated += count - 1 + (ticks.has(key) ? 1 : 0);
  }
  // Far enough past what was taken that every series has been met again.
  for (let beyond = 0; left > 0 && beyond < 3_000_000;) {
    held.advance(Infinity, 65_536, null);
    held.flush();
    for (const batch of held.takeBatches()) {
      for (let row = 0; row < batch.rowCount; row++) {
        const series = batch.series[batch.seriesCode[row]];
        const name = `${batch.recordType}/${series.exchange}/${series.symbol}`;
        const key = `${batch.recordType}/${messageId(series, batch.venueSequence[row])}`;
        const values = ticks.get(key);
        if (values === undefined && !refused.has(key)) {
          beyond++;
          const missing = missingOfSeries.get(name);
          if (missing === undefined) missingOfSeries.set(name, [key]);
          else if (missing.length < 100) missing.push(key);
          continue;
        }
        left--;
        taken++;
        const lost = missingOfSeries.get(name);
        if (lost !== undefined && lost.length > 0) {
          violations.push(...lost.map((id) => `${id} is lost: ${key} came after it`));
          totals.lost += lost.length;
          missingOfSeries.set(name, []);
        }
        if (values !== undefined && values[0] !== valuesOf(tickJson(batch, row))) {
          violations.push(`${key} is ${values[0]}: expected ${valuesOf(tickJson(batch, row))}`);
        }
      }
    }
  }
  if (left > 0) violations.push(`${left} ticks in the tables are not of the tape`);
  totals.foreign += left;
  if (taken < atLeast) {
    violations.push(`${atLeast} ticks were acknowledged, but only ${taken} are there`);
    totals.lost += atLeast - taken;
  }
  return violations;
}

function valuesOf(tick: Readonly<Record<string, unknown>>): string {
  const decimals = ['price', 'quantity', 'bid_price', 'bid_quantity', 'ask_price', 'ask_quantity'];
  const timeUs = Math.round(Date.parse(String(tick['timestamp'])) * 1_000) + microsOf(String(tick['timestamp']));
  return [timeUs, ...decimals.filter((name) => name in tick).map((name) => padded(String(tick[name])))].join(' ');
}

/** Digits beyond the millisecond of an ISO time. */
function microsOf(iso: string): number {
  return Number(/\.\d{3}(\d{3})Z$/.exec(iso)?.[1] ?? 0);
}

/** As DuckDB prints a decimal(18,8). */
function padded(decimal: string): string {
  const [whole, fraction = ''] = decimal.split('.');
  return `${whole}.${fraction.padEnd(8, '0')}`;
}

async function forEachRow(
  store: TickStore,
  engine: QueryEngine,
  sql: string,
  take: (row: readonly unknown[]) => void,
): Promise<void> {
  const tables = ['market_data.trades', 'market_data.quotes', 'audit.quarantine'] as const;
  const plans = await Promise.all(tables.map((table) => store.plan({ table, asOf: { kind: 'latest' } })));
  const answer = await engine.ask({ kind: 'sql', sql, limit: ROWS_MAX }, plans, { timeoutMs: 120_000 });
  for await (const batch of answer.batches) {
    for (let row = 0; row < batch.rowCount; row++) {
      take(answer.columns.map((column, at) => answerValue(column, batch, at, row)));
    }
  }
}
