import type { Rejection } from '@k2/domain/lake';
import type { TickBatch, Venue } from '@k2/domain/market';
import type { PortError } from './port-error.ts';

/**
 * `misconfigured`: an option or input is unusable as given. `disconnected`: the venue went away; open again later.
 */
export type MarketFeedErrorKind = 'misconfigured' | 'disconnected';
export type MarketFeedError = PortError<MarketFeedErrorKind>;

export type FeedEvent =
  /** `placeOf` says where a row stands in its source, for messages: `asx:trades/7078.csv:12`. */
  | { readonly kind: 'ticks'; readonly batch: TickBatch; readonly placeOf?: (row: number) => string }
  /** What the feed received and could not take; kept in the log beside the ticks. */
  | { readonly kind: 'rejections'; readonly rejections: readonly Rejection[] }
  | { readonly kind: 'connected'; readonly exchange: string }
  | { readonly kind: 'session'; readonly exchange: string; readonly session: string; readonly phase: string }
  | { readonly kind: 'heartbeat'; readonly exchange: string; readonly eventTimeUs: number }
  /** Of a finite feed: what lies beside its input and looks like it, and is not read. Once at most. */
  | { readonly kind: 'unread'; readonly names: readonly string[] }
  /** Of a finite feed: how far it is. */
  | { readonly kind: 'progress'; readonly source: string; readonly doneBytes: number; readonly totalBytes: number };

/** A source of ticks. Everything it received is in exactly one event; it is pulled, so a slow log slows it down. */
export interface MarketFeed {
  /** As in configuration: `simulator`, `asx:DIR`. */
  readonly name: string;
  readonly venues: readonly Venue[];
  /**
   * Starts the feed; ends when a finite feed is done or the signal aborts. A second `open` starts anew:
   * with the same input a finite feed gives every tick the same identity again.
   */
  open(signal: AbortSignal): AsyncIterable<FeedEvent>;
}
