import { RECORD_SCHEMAS, US_PER_DAY, type TableName } from '@k2/domain/market';
import { FIRST_DAY_US, VENUES } from '../pyiceberg/ticks.ts';
import { rewriteDataFiles, writeBeside, type Beside } from './beside.ts';
import type { Filter } from './facts.ts';
import type { JudgedLake } from './lake.ts';
import { readAll, type Remembered } from './read-all.ts';
import type { Reader } from './readers/reader.ts';
import { tapeOf, type TapeSlice } from './tape.ts';
import type { Verdicts } from './verdicts.ts';

export const TRADES: TableName = 'market_data.trades';
export const QUOTES: TableName = 'market_data.quotes';
const QUOTE_SUMS = ['bid_price', 'bid_quantity', 'ask_price', 'ask_quantity'];
const TRADE_SUMS = ['price', 'quantity'];
/** After the schema has changed. */
const EVOLVED_TRADE_SUMS = ['price', 'size'];

/** Part of a day: the venue and the day rule out partitions, symbol and time rule out files within them. */
export const FILTER: Filter = { exchange: VENUES[1], symbol: 'BHP', fromUs: FIRST_DAY_US + US_PER_DAY + 1_800_000_000 };

const SLICES_PER_DAY = 3;
/** First and last day before the schema changes, and after. */
const DAYS = { before: [0, 1], after: [2] };
/** Of a venue's day, where the writers meet: as small as a sink's commits are. */
const BESIDE_SLICES = 60;
const APPENDS_MIN = 10;
const BESIDE_PAUSE_MS = 100;
/** Long enough for the other one to replace files, though it may be much slower. */
const REST_MS = 4_000;
/** Of what a reader says to a snapshot that is no more; its end tells why. */
const SAID_CHARS_MAX = 120;

export interface Judged {
  readonly lake: JudgedLake;
  readonly readers: readonly Reader[];
  readonly verdicts: Verdicts;
}

/** What later stages come back to. */
export interface Written {
  readonly first: Remembered;
  /** After the first one and before the old one, with time on both sides. */
  readonly betweenUs: number;
  /** The last one with the old schema. */
  readonly old: Remembered;
  readonly quotes: Remembered;
}

/** Several commits a day, with a change of the schema before the last day. */
export async function write({ lake }: Judged): Promise<Written> {
  let first: Remembered | null = null;
  let firstUs: number | null = null;
  for (const day of DAYS.before) {
    for (const slice of slicesOf(day)) {
      await lake.record(slice);
      first ??= await remembered(lake, 'its first snapshot', TRADE_SUMS);
      firstUs ??= (await lake.newest(TRADES)).committedUs;
    }
  }
  const { committedUs: oldUs } = await lake.newest(TRADES);
  const old = await remembered(lake, 'a snapshot before its schema changed', TRADE_SUMS);
  const quotes = await remembered(lake, 'an older snapshot', QUOTE_SUMS, QUOTES);
  await lake.evolve(TRADES, [
    { kind: 'rename', name: 'quantity', to: 'size' },
    { kind: 'add', name: 'desk_note', type: 'string', doc: 'Added after the rows.' },
  ]);
  for (const day of DAYS.after) for (const slice of slicesOf(day)) await lake.record(slice);
  return { first: first!, betweenUs: (firstUs! + oldUs) / 2, old, quotes };
}

/** The newest of the tables, and states that were remembered. */
export async function read(
  { lake, readers, verdicts }: Judged,
  stage: string,
  tables: readonly TableName[],
  older: readonly Remembered[],
): Promise<void> {
  const newest = tables.map((table): Remembered => {
    const sums = table === TRADES ? EVOLVED_TRADE_SUMS : QUOTE_SUMS;
    return { table, name: 'the newest', snapshotId: null, sums, expected: lake.tally.facts(table) };
  });
  await readAll(readers, [...newest, ...older], { stage, filter: FILTER, verdicts });
}

export async function compact({ lake, verdicts }: Judged, stage: string): Promise<void> {
  for (const table of [TRADES, QUOTES]) {
    const { filesBefore, filesAfter } = await lake.compact(table);
    const manifests = await lake.maintenance.rewriteManifests(table, { dryRun: false });
    const found = `${filesBefore} files became ${filesAfter}, ${manifests.manifestsBefore} manifests ${manifests.manifestsAfter}`;
    const wrong = filesAfter < filesBefore ? [] : [`${found}: nothing was merged`];
    verdicts.add({ judge: 'k2', stage, check: `compaction of ${table}` }, found, wrong);
  }
}

/** Gives up what was committed before a time; the newest snapshot of each table stays whatever its age. */
export async function expire({ lake, verdicts }: Judged, stage: string, beforeUs: number): Promise<void> {
  for (const { table } of RECORD_SCHEMAS) {
    const ageMs = (lake.platform.ports.clock.nowUs() - beforeUs) / 1_000;
    const retention = { keepNewest: 1, tiers: [{ ageMs, everyMs: 0 }] };
    const { expiredSnapshots, deletedFiles } = await lake.maintenance.expireSnapshots(table, retention, {
      dryRun: false,
    });
    if (table !== TRADES) continue;
    const found = `${expiredSnapshots} snapshots given up, ${deletedFiles} files deleted`;
    const wrong = expiredSnapshots > 0 && deletedFiles > 0 ? [] : [found];
    verdicts.add({ judge: 'k2', stage, check: `expiry of ${table}` }, found, wrong);
  }
}

/** A snapshot that was given up is refused; nobody is to get part of its rows. */
export async function readExpired({ readers, verdicts }: Judged, stage: string, expired: Remembered): Promise<void> {
  for (const reader of readers) {
    const { table, snapshotId, sums, name } = expired;
    const of = { judge: reader.name, stage, check: `${table} at ${name}, expired` };
    try {
      const [{ facts }] = await reader.read([{ table, snapshotId, sums, filter: FILTER }]);
      verdicts.add(of, '', [`it answered with ${facts.rows} rows`]);
    } catch (error) {
      const said = (error as Error).message.trimEnd().split('\n').at(-1)!;
      verdicts.add(
        of,
        `refused: ${said.slice(-SAID_CHARS_MAX)}`,
        /snapshot/i.test(said) ? [] : [`it failed otherwise: ${said}`],
      );
    }
  }
}

/** Another engine's snapshot says nothing of the log: K2 goes on from its catalog, and the next snapshot says it again. */
export async function goOnAfterSpark({ lake, verdicts }: Judged, stage: string, spark: SparkTable): Promise<void> {
  const day = DAYS.after[0] + 1;
  for (const slice of tapeOf(day, VENUES[0], SLICES_PER_DAY)) await lake.record(slice);
  const files = await rewriteDataFiles(spark.url, spark.table);
  const foreign = await lake.newest(TRADES);
  const of = { judge: 'spark', stage };
  const replaced = `${files} files rewritten, operation ${foreign.operation}`;
  verdicts.add({ ...of, check: 'rewrite_data_files' }, replaced, files > 0 ? [] : ['nothing was rewritten']);
  const carried = foreign.progress.length === 0 ? 'does not carry k2.progress' : 'carries k2.progress';
  verdicts.add({ ...of, check: 'its snapshot' }, carried);
  await lake.restart();
  for (const slice of tapeOf(day, VENUES[1], 1)) await lake.record(slice);
  const [{ progress, operation }, catalog] = [await lake.newest(TRADES), await lake.store.progress()];
  const known = (all: typeof progress) =>
    all.map(({ topic, partition, nextOffset }) => `${topic}/${partition}@${nextOffset}`).toSorted();
  const [found, expected] = [known(progress).join(' '), known(catalog).join(' ')];
  const wrong = found === expected && found !== '' ? [] : [`k2.progress is "${found}", the catalog says "${expected}"`];
  const check = 'started anew after it, its next snapshot carries the offsets again';
  verdicts.add({ judge: 'k2', stage, check }, `${operation}, ${catalog.length} partitions`, wrong);
}

export interface SparkTable {
  readonly url: string;
  /** `k2.market_data.trades` */
  readonly table: string;
}

/** Spark rewrites while K2 appends; with `compaction`, while K2 compacts as well. */
export async function meet(
  { lake, verdicts }: Judged,
  stage: string,
  spark: SparkTable,
  { withCompaction, day }: { readonly withCompaction: boolean; readonly day: number },
): Promise<void> {
  const haveCollided = ({ sparkLost, k2Compacted, k2Abandoned }: Beside) =>
    k2Compacted > 0 && sparkLost + k2Abandoned > 0;
  const isEnough = (so: Beside) =>
    so.appends >= APPENDS_MIN &&
    so.sparkRewrites > 0 &&
    so.k2Retries > 0 &&
    (withCompaction ? haveCollided(so) : so.sparkRewrites > 1);
  const so = await writeBeside({
    lake,
    sparkUrl: spark.url,
    sparkTable: spark.table,
    slices: besideSlices(day),
    withCompaction,
    restMs: withCompaction ? REST_MS : 0,
    pauseMs: BESIDE_PAUSE_MS,
    isEnough,
  });
  const { appends, sparkRewrites, sparkLost, k2Retries, k2Compacted, k2Abandoned, errors } = so;
  const appended = `${appends} appends; ${k2Retries} times Spark was faster, and K2 prepared its commit again`;
  verdicts.add({ judge: 'k2', stage, check: 'appends' }, appended, [
    ...errors,
    ...(isEnough(so) || errors.length > 0 ? [] : [`${appended}: they did not meet often enough to tell`]),
  ]);
  verdicts.add({ judge: 'spark', stage, check: 'rewrites' }, `${sparkRewrites} done, ${sparkLost} given up`);
  if (withCompaction)
    verdicts.add({ judge: 'k2', stage, check: 'compaction' }, `${k2Compacted} done, ${k2Abandoned} given up`);
}

function* besideSlices(day: number): Generator<TapeSlice> {
  for (const venue of VENUES) yield* tapeOf(day, venue, BESIDE_SLICES);
}

function* slicesOf(day: number): Generator<TapeSlice> {
  for (const venue of VENUES) yield* tapeOf(day, venue, SLICES_PER_DAY);
}

async function remembered(
  lake: JudgedLake,
  name: string,
  sums: readonly string[],
  table = TRADES,
): Promise<Remembered> {
  const { snapshotId } = await lake.newest(table);
  return { table, name, snapshotId, sums, expected: lake.tally.facts(table) };
}
