import { setTimeout as sleep } from 'node:timers/promises';
import { parseTimeUs, type TickBatch } from '@k2/domain/market';
import { parseSimulatorSpec, Simulation } from '@k2/feed-simulator';
import { byHand } from '../../world/kafka-by-hand.ts';
import type { World } from '../../world/world.ts';
import { progress, type BenchWorld } from './bench-world.ts';

const START = '2026-01-05T14:30:00Z';
/** As a busy ingest has them: its partitions get some 700 quotes, or 1,400 trades, a block. */
const BATCH_ROWS = 8_192;
/** What is looked at at once of a tape that is counted. */
const SLICE_TICKS = 65_536;

/** What a lake has to hold of one series when everything is committed. */
export interface Tally {
  rows: number;
  /** Of the venue's sequence numbers. */
  sequences: number;
}

export interface FilledLog {
  readonly ticks: number;
  /** By `seriesName`. */
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly records: number;
  /** For notes of figures. */
  readonly description: string;
}

export function seriesName(recordType: string, exchange: string, symbol: string): string {
  return `${recordType}/${exchange}/${symbol}`;
}

/** Lets an ingest process put a simulated tape into the log: four venues, a hundred instruments each. */
export async function fillLog({ world, framing }: BenchWorld, ticks: number): Promise<FilledLog> {
  const startMs = performance.now();
  const ingest = world.launch('ingest', 'ingest', ['--feed', tapeSpec(ticks)]);
  await ingest.ready();
  for (;;) {
    if (!ingest.isAlive) throw new Error(`ingest ended before its feed:\n${ingest.printed.slice(-4_000)}`);
    const [feed] = (await ingest.stats())?.feeds ?? [];
    if (feed?.state === 'finished') break;
    if (feed?.state === 'failed') throw new Error(`the feed failed:\n${ingest.printed.slice(-4_000)}`);
    progress.update(
      `${framing}: ${((feed?.acknowledgedTicks ?? 0) / 1e6).toFixed(1)} of ${ticks / 1e6} M ticks in the log`,
    );
    await sleep(250);
  }
  await ingest.stop();
  const seconds = (performance.now() - startMs) / 1_000;
  progress.say(`${framing}: ${ticks / 1e6} M ticks in the log after ${seconds.toFixed(0)} s`);
  const records = await recordsInLog(world);
  const rowsPerRecord = Math.round(ticks / records);
  const description = `${framing === 'tick' ? 'a record a tick' : `${rowsPerRecord} ticks a record`}, 72 partitions, zstd`;
  return { ticks, tallies: talliesOf(ticks), records, description };
}

/** Records of all topics of ticks. */
export async function recordsInLog(world: World): Promise<number> {
  return byHand(world, async ({ admin }) => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith('market.'));
    const offsets = await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic)));
    return offsets.flat().reduce((sum, { high }) => sum + Number(high), 0);
  });
}

/** Of the simulator: the same each time it is made. */
function tapeSpec(ticks: number): string {
  return `simulator:seed=7,session=bench,start=${START},ticks=${ticks},rate=max,rows=${BATCH_ROWS},batchMs=10000`;
}

/** What `fillLog` puts into the log. */
export function* tapeOf(ticks: number): Generator<TickBatch> {
  const simulation = new Simulation(parseSimulatorSpec(tapeSpec(ticks)), parseTimeUs(START));
  while (!simulation.isDone) {
    simulation.advance(Infinity, SLICE_TICKS, null);
    yield* simulation.takeBatches();
  }
  simulation.finish();
  yield* simulation.takeBatches();
}

function talliesOf(ticks: number): ReadonlyMap<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const batch of tapeOf(ticks)) count(batch, tallies);
  const rows = [...tallies.values()].reduce((sum, tally) => sum + tally.rows, 0);
  if (rows !== ticks) throw new Error(`the tape has ${rows} ticks: expected ${ticks}`);
  return tallies;
}

function count({ recordType, rowCount, series, seriesCode, venueSequence }: TickBatch, tallies: Map<string, Tally>) {
  const byCode = series.map(({ exchange, symbol }) => {
    const name = seriesName(recordType, exchange, symbol);
    let tally = tallies.get(name);
    if (tally === undefined) tallies.set(name, (tally = { rows: 0, sequences: 0 }));
    return tally;
  });
  for (let row = 0; row < rowCount; row++) {
    const tally = byCode[seriesCode[row]];
    tally.rows++;
    tally.sequences += venueSequence[row];
  }
}
