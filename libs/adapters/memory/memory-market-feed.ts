import type { TickBatch, Venue } from '@k2/domain/market';
import type { FeedEvent, MarketFeed } from '@k2/ports';

/** A finite feed over events given beforehand, for tests: each `open` gives them again, in order, one for each pull. */
export class MemoryMarketFeed implements MarketFeed {
  readonly name: string;
  readonly venues: readonly Venue[];
  private readonly events: readonly FeedEvent[];

  /** `venues` where absent: those of the series of the batches. */
  constructor(events: readonly (FeedEvent | TickBatch)[], options: { name?: string; venues?: readonly Venue[] } = {}) {
    this.events = events.map((event) => ('kind' in event ? event : { kind: 'ticks', batch: event }));
    this.name = options.name ?? 'memory';
    this.venues = options.venues ?? venuesOf(this.events);
  }

  async *open(signal: AbortSignal): AsyncGenerator<FeedEvent> {
    for (const event of this.events) {
      if (signal.aborted) return;
      yield event;
    }
  }
}

function venuesOf(events: readonly FeedEvent[]): Venue[] {
  const venues = new Map<string, Venue>();
  for (const event of events) {
    if (event.kind !== 'ticks') continue;
    for (const { exchange, sequenceOrigin } of event.batch.series) venues.set(exchange, { exchange, sequenceOrigin });
  }
  return [...venues.values()];
}
