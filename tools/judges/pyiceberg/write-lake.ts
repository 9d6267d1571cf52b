// Usage: node --conditions=k2-source tools/judges/pyiceberg/write-lake.ts DIR
// Writes DIR/catalog.db and DIR/warehouse with K2's own store, and DIR/expect.json from the batches it was given.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FilesystemObjectStore } from '@k2/adapter-filesystem';
import { IcebergTickStore } from '@k2/adapter-iceberg';
import { SqliteTableCatalog } from '@k2/adapter-sqlite';
import { SystemClock, SystemRandom, SystemScheduler } from '@k2/adapter-system';
import { printTimeUs, RECORD_SCHEMAS, recordSchema, US_PER_DAY, type TableName } from '@k2/domain/market';
import type { PartitionClaim, Telemetry } from '@k2/ports';
import { Ledger } from './ledger.ts';
import { FIRST_DAY_US, quoteTicks, SYMBOLS, tradeTicks, VENUES } from './ticks.ts';

const TRADES: TableName = 'market_data.trades';
const QUOTES: TableName = 'market_data.quotes';
const DAYS = 3;
const SILENT: Telemetry = {
  counter: () => ({ add: () => undefined }),
  histogram: () => ({ record: () => undefined }),
  gauge: () => undefined,
  log: () => undefined,
};

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: write-lake.ts DIR');
const tempDirectory = join(directory, 'temp');
mkdirSync(tempDirectory, { recursive: true });

const clock = new SystemClock();
const catalog = await SqliteTableCatalog.open({ path: join(directory, 'catalog.db'), clock });
const objects = await FilesystemObjectStore.open(join(directory, 'warehouse'), clock);
const store = new IcebergTickStore(
  { catalog, objects, clock, random: new SystemRandom(clock), scheduler: new SystemScheduler(), telemetry: SILENT },
  // Small enough for several row groups in a file, and for manifests to be merged.
  { tempDirectory, rowGroupRows: 2_048, manifestsMax: 3 },
);
const ledger = new Ledger();
await store.ensureTables(RECORD_SCHEMAS);
const topic = { topic: 'market.equities.trades.judge', partition: 0, topicId: 'judged-once' };
let [claim] = (await store.claim('judge', [topic])) as [PartitionClaim];

let offset = 0;
for (let day = 0; day < DAYS; day++) {
  for (const venue of VENUES) await commitDay(venue, day);
}
// Files of one partition, for maintenance to merge.
for (let again = 0; again < 3; again++) await commitDay(VENUES[0], 0);
await store.evolve(TRADES, [
  { kind: 'rename', name: 'quantity', to: 'size' },
  { kind: 'add', name: 'desk_note', type: 'string', doc: 'Added after the rows.' },
]);
ledger.renamed(TRADES, 'quantity', 'size');
for (const venue of VENUES) await commitDay(venue, DAYS);

const columns = (table: TableName) => recordSchema(table).fields.map((field) => field.name);
const lastDay = `timestamp >= '${printTimeUs(FIRST_DAY_US + DAYS * US_PER_DAY).replace('Z', '+00:00')}'`;
const filtersOf = (table: TableName) => [
  ...SYMBOLS.map((symbol) => ({
    where: `symbol == '${symbol}'`,
    rows: ledger.symbolRows(table, symbol),
    prunes: true,
  })),
  { where: lastDay, rows: ledger.rowsFrom(table, FIRST_DAY_US + DAYS * US_PER_DAY), prunes: true },
  { where: `exchange == '${VENUES[0]}'`, rows: ledger.venueRows(table, VENUES[0]), prunes: true },
];
const tradeColumns = [...columns(TRADES).map((name) => (name === 'quantity' ? 'size' : name)), 'desk_note'];
const expected = {
  tables: {
    [TRADES]: { ...ledger.expected(TRADES), columns: tradeColumns, filters: filtersOf(TRADES) },
    [QUOTES]: { ...ledger.expected(QUOTES), columns: columns(QUOTES), filters: filtersOf(QUOTES) },
  },
};
writeFileSync(join(directory, 'expect.json'), `${JSON.stringify(expected, null, 2)}\n`);
await store.close();
await catalog.close();

/** A venue trades half of the symbols on a day, so that symbols prune files as well as venues and days do. */
async function commitDay(venue: (typeof VENUES)[number], day: number): Promise<void> {
  const symbols = (day + VENUES.indexOf(venue)) % 2 === 0 ? SYMBOLS.slice(0, 3) : SYMBOLS.slice(3);
  const ticks = [...tradeTicks(venue, symbols, day, offset), ...quoteTicks(venue, symbols, day, offset + 1)];
  // Before the store takes the memory over.
  ledger.add(ticks);
  const staged = await store.stage({ ticks, gaps: [], sessions: [], quarantine: [quarantined(venue)] });
  offset += 2;
  const receipt = await store.commit(staged, { partitions: [{ claim, nextOffset: offset }], state: new Map() });
  ledger.committed(receipt.snapshots);
  claim = receipt.claims[0];
}

function quarantined(venue: string) {
  return {
    quarantineId: `${venue}/${offset}`,
    exchange: venue,
    recordType: 'trades',
    source: 'judge',
    position: BigInt(offset),
    reason: 'malformed-row',
    detail: 'a line of bytes that are no text, longer than a bound of a manifest',
    raw: Uint8Array.from({ length: 40 }, (_, index) => 255 - index),
    receiveTimeUs: FIRST_DAY_US,
    platformSequence: BigInt(offset),
  } as const;
}
