import { selectRows, type TickBatch } from '@k2/domain/market';
import type { FeedEvent, MarketFeed } from '@k2/ports';
import { quoteTicks, SYMBOLS, tradeTicks, VENUES } from '../pyiceberg/ticks.ts';

/** A part of the tape: what a venue sends, and the ticks that a lake must have of it, each once. */
export interface TapeSlice {
  readonly sent: readonly TickBatch[];
  readonly ticks: readonly { readonly batch: TickBatch; readonly row: number }[];
}

/** Rows between the faults of a kind; coprime, so that they meet in every order. */
const LOST_EVERY = 173;
const LATE_EVERY = 97;
const TWICE_EVERY = 53;
/** Beyond what counts as reordering: the hole is reported, and reported filled. */
const LATE_ROWS = 300;
const TWICE_ROWS = 40;

/** A day of a venue in slices, as a faulty line brings it: with holes, late ticks and repeated ones. */
export function tapeOf(day: number, venue: (typeof VENUES)[number], slices: number): TapeSlice[] {
  const symbols = (day + VENUES.indexOf(venue)) % 2 === 0 ? SYMBOLS.slice(0, 3) : SYMBOLS.slice(3);
  const batches = [...tradeTicks(venue, symbols, day, 0), ...quoteTicks(venue, symbols, day, 0)];
  const parts = batches.map(({ batch }) => faulty(batch, slices));
  return Array.from({ length: slices }, (_, index) => ({
    sent: parts.flatMap(({ sent }) => (sent[index].rowCount === 0 ? [] : [sent[index]])),
    ticks: parts.flatMap(({ ticks }) => ticks[index]),
  }));
}

function faulty(batch: TickBatch, slices: number) {
  const deliveries: { readonly at: number; readonly row: number; readonly first: boolean }[] = [];
  for (let row = 0; row < batch.rowCount; row++) {
    // The last ones of a day show what was lost before them.
    const isNearEnd = row + LATE_ROWS >= batch.rowCount;
    if (row % LOST_EVERY === 50 && !isNearEnd) continue;
    const at = row % LATE_EVERY === 20 && !isNearEnd ? row + LATE_ROWS + 0.5 : row;
    deliveries.push({ at, row, first: true });
    if (row % TWICE_EVERY === 7) deliveries.push({ at: at + TWICE_ROWS + 0.25, row, first: false });
  }
  deliveries.sort((a, b) => a.at - b.at);
  const length = Math.ceil(deliveries.length / slices);
  const parts = Array.from({ length: slices }, (_, index) => deliveries.slice(index * length, (index + 1) * length));
  return {
    sent: parts.map((part) =>
      selectRows(
        batch,
        Uint32Array.from(part, ({ row }) => row),
      ),
    ),
    ticks: parts.map((part) => part.filter(({ first }) => first).map(({ row }) => ({ batch, row }))),
  };
}

/** A slice of the tape as K2 takes it. */
export function feedOf(slice: TapeSlice): MarketFeed {
  return {
    name: 'judge',
    venues: VENUES.map((exchange) => ({ exchange, sequenceOrigin: 'venue' })),
    async *open(): AsyncGenerator<FeedEvent> {
      for (const batch of slice.sent) yield { kind: 'ticks', batch };
    },
  };
}
