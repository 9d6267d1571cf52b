import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  AGGRESSOR_SIDES,
  ASSET_CLASSES,
  BATCH_ROWS_MAX,
  messageId,
  type TickBatch,
  type Utf8Column,
} from '@k2/domain/market';
import type { FeedEvent, MarketFeed } from '@k2/ports';

export interface MarketFeedCapabilities {
  /** Ends by itself, and gives the same ticks at every `open`. */
  readonly finite: boolean;
}

export interface MarketFeedSubject {
  readonly feed: MarketFeed;
  /** What one run of a finite feed has to give. `distinctTicks` where some are sent twice. */
  readonly expected?: { readonly ticks: number; readonly distinctTicks?: number; readonly rejections: number };
  dispose?(): Promise<void>;
}

export interface MarketFeedContract {
  /** A feed of at least 100 ticks, in at least 2 events. */
  readonly create: () => Promise<MarketFeedSubject> | MarketFeedSubject;
  readonly capabilities: MarketFeedCapabilities;
}

/** Events read of a feed that does not end, and events that an aborted feed may still give. */
const EVENTS_SAMPLED = 50;
const EVENTS_AFTER_ABORT_MAX = 64;

/** What every MarketFeed does. */
export function marketFeedContract(name: string, { create, capabilities }: MarketFeedContract): void {
  describe(`MarketFeed: ${name}`, () => {
    let subject: MarketFeedSubject;
    let feed: MarketFeed;

    beforeEach(async () => {
      subject = await create();
      feed = subject.feed;
    });
    afterEach(async () => subject.dispose?.());

    const sample = () => (capabilities.finite ? all(feed) : first(feed, EVENTS_SAMPLED));

    it('gives ticks', async () => {
      expect(batchesOf(await sample()).length).toBeGreaterThan(0);
    });

    it('gives batches of 1 to 65,536 rows whose columns have exactly that length', async () => {
      for (const batch of batchesOf(await sample())) {
        expect(batch.rowCount).toBeGreaterThanOrEqual(1);
        expect(batch.rowCount).toBeLessThanOrEqual(BATCH_ROWS_MAX);
        expect(columnLengths(batch)).toEqual(columnLengths(batch).map(() => batch.rowCount));
      }
    });

    it('names codes that its dictionaries have', async () => {
      for (const batch of batchesOf(await sample())) {
        expect(largest(batch.seriesCode)).toBeLessThan(batch.series.length);
        expect(largest(batch.vendorDataCode)).toBeLessThan(batch.vendorData.length);
        if (batch.recordType !== 'trades') continue;
        expect(largest(batch.conditionsCode)).toBeLessThan(batch.conditions.length);
        expect(largest(batch.aggressorSide)).toBeLessThan(AGGRESSOR_SIDES.length);
      }
    });

    it('keeps strings of rows in order within their bytes', async () => {
      for (const batch of batchesOf(await sample())) {
        const { offsets, bytes } = idsOf(batch);
        expect(offsets[0]).toBe(0);
        expect(offsets.every((offset, i) => i === 0 || offset >= offsets[i - 1])).toBe(true);
        expect(offsets[batch.rowCount]).toBe(bytes.length);
      }
    });

    it('gives times as whole µs and sequences as exact positive integers', async () => {
      for (const batch of batchesOf(await sample())) {
        expect(batch.eventTimeUs.every(Number.isSafeInteger)).toBe(true);
        expect(batch.receiveTimeUs.every(Number.isSafeInteger)).toBe(true);
        expect(batch.venueSequence.every((sequence) => Number.isSafeInteger(sequence) && sequence >= 0)).toBe(true);
      }
    });

    it('puts one venue and one asset class into a batch: one batch goes to one topic', async () => {
      const venues = new Map(feed.venues.map((venue) => [venue.exchange, venue]));
      for (const batch of batchesOf(await sample())) {
        expect(new Set(batch.series.map(({ exchange, assetClass }) => `${exchange} ${assetClass}`)).size).toBe(1);
        for (const series of batch.series) {
          expect(venues.get(series.exchange)?.sequenceOrigin).toBe(series.sequenceOrigin);
          expect(ASSET_CLASSES).toContain(series.assetClass);
          expect(series.symbol).not.toBe('');
          expect(series.currency).not.toBe('');
          if (series.sequenceOrigin === 'arrival') expect(series.firstSequence).toBeNull();
        }
      }
    });

    it('ends without ticks where the signal is aborted before it starts', async () => {
      expect(batchesOf(await collect(feed.open(AbortSignal.abort())))).toEqual([]);
    });

    it('ends when the signal aborts', async () => {
      const controller = new AbortController();
      let afterAbort = 0;
      for await (const event of feed.open(controller.signal)) {
        if (controller.signal.aborted) afterAbort++;
        if (event.kind === 'ticks') controller.abort();
        expect(afterAbort).toBeLessThanOrEqual(EVENTS_AFTER_ABORT_MAX);
      }
      expect(controller.signal.aborted).toBe(true);
    });

    it('ends when its reader leaves, and opens again', async () => {
      const opened = feed.open(new AbortController().signal)[Symbol.asyncIterator]();
      await opened.next();
      await opened.return?.();
      expect((await first(feed, 1)).length).toBe(1);
    });

    if (capabilities.finite) finiteFeedContract(() => subject);
  });
}

function finiteFeedContract(subject: () => MarketFeedSubject): void {
  it('puts everything it received into exactly one event', async () => {
    const { feed, expected } = subject();
    if (expected === undefined) throw new Error('a finite feed under this contract says what it has to give: expected');
    const events = await all(feed);
    const identities = batchesOf(events).flatMap(identitiesOf);
    const rejections = rejectionsOf(events);
    expect(identities.length).toBe(expected.ticks);
    expect(new Set(identities).size).toBe(expected.distinctTicks ?? expected.ticks);
    expect(rejections.length).toBe(expected.rejections);
    expect(new Set(rejections.map(({ quarantineId }) => quarantineId)).size).toBe(expected.rejections);
  });

  it('gives every tick and rejection the same identity when it is opened again', async () => {
    const { feed } = subject();
    const runs = [await all(feed), await all(feed)];
    const [one, two] = runs.map((events) => ({
      ticks: batchesOf(events).flatMap(identitiesOf),
      rejections: rejectionsOf(events).map(({ quarantineId }) => quarantineId),
    }));
    expect(two).toEqual(one);
  });

  it('reports progress that grows to the whole, where it reports any', async () => {
    const progress = (await all(subject().feed)).filter((event) => event.kind === 'progress');
    progress.forEach((event, i) => {
      expect(event.doneBytes).toBeGreaterThanOrEqual(progress[i - 1]?.doneBytes ?? 0);
      expect(event.totalBytes).toBe(progress[0].totalBytes);
    });
    expect(progress.at(-1)?.doneBytes).toBe(progress.at(-1)?.totalBytes);
  });
}

async function collect(events: AsyncIterable<FeedEvent>): Promise<FeedEvent[]> {
  const collected: FeedEvent[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

function all(feed: MarketFeed): Promise<FeedEvent[]> {
  return collect(feed.open(new AbortController().signal));
}

async function first(feed: MarketFeed, count: number): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  for await (const event of feed.open(new AbortController().signal)) {
    events.push(event);
    if (events.length === count) break;
  }
  return events;
}

function batchesOf(events: readonly FeedEvent[]): TickBatch[] {
  return events.flatMap((event) => (event.kind === 'ticks' ? [event.batch] : []));
}

function rejectionsOf(events: readonly FeedEvent[]) {
  return events.flatMap((event) => (event.kind === 'rejections' ? event.rejections : []));
}

function identitiesOf(batch: TickBatch): string[] {
  return Array.from(
    batch.venueSequence,
    (sequence, row) => `${batch.recordType} ${messageId(batch.series[batch.seriesCode[row]]!, sequence)}`,
  );
}

function idsOf(batch: TickBatch): Utf8Column {
  return batch.recordType === 'trades' ? batch.tradeId : batch.quoteId;
}

function columnLengths(batch: TickBatch): number[] {
  const common = [batch.seriesCode, batch.eventTimeUs, batch.receiveTimeUs, batch.venueSequence, batch.vendorDataCode];
  const own =
    batch.recordType === 'trades'
      ? [batch.price, batch.quantity, batch.aggressorSide, batch.conditionsCode]
      : [batch.bidPrice, batch.bidQuantity, batch.askPrice, batch.askQuantity];
  return [...common, ...own].map((column) => column.length).concat(idsOf(batch).offsets.length - 1);
}

function largest(codes: Iterable<number>): number {
  let largest = 0;
  for (const code of codes) largest = Math.max(largest, code);
  return largest;
}
