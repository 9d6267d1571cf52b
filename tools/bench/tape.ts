import { SystemClock, SystemRandom, SystemScheduler } from '@k2/adapter-system';
import { recordPositions, type PlacedBatch, type TickBatch } from '@k2/domain/market';
import { SimulatorFeed, simulatorConfig, type SimulatorConfig } from '@k2/feed-simulator';

export function systemPorts() {
  const clock = new SystemClock();
  return { clock, random: new SystemRandom(clock), scheduler: new SystemScheduler() };
}

/** A finite simulated tape, as fast as it is pulled. */
export function tapeFeed(ticks: number, more: Partial<SimulatorConfig> = {}): SimulatorFeed {
  return new SimulatorFeed(simulatorConfig({ ticks, rate: 'max', seed: 7, ...more }), systemPorts());
}

/** The tape in memory. */
export async function tape(ticks: number, more: Partial<SimulatorConfig> = {}): Promise<TickBatch[]> {
  const batches: TickBatch[] = [];
  for await (const event of tapeFeed(ticks, more).open(new AbortController().signal)) {
    if (event.kind === 'ticks') batches.push(event.batch);
  }
  return batches;
}

export function rowsOf(batches: readonly TickBatch[]): number {
  return batches.reduce((sum, { rowCount }) => sum + rowCount, 0);
}

/** Batches as log records one after the other. Columns are copied, so that they can be taken over more than once. */
export function placedCopies(batches: readonly TickBatch[]): PlacedBatch[] {
  return batches.map((batch, offset) => ({
    batch: structuredClone(batch),
    platformSequence: recordPositions(offset, batch.rowCount),
  }));
}
