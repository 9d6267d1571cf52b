import type { Instrument, SequenceOrigin } from './instrument.ts';

/**
 * The scope within which sequence numbers count: one instrument in one session.
 * A batch names each of its series once; its rows refer to them by code.
 */
export interface Series extends Instrument {
  /** The venue's session, `2014-03-10` or any label it uses; empty where the venue gives none. */
  readonly session: string;
  readonly sequenceOrigin: SequenceOrigin;
  /** The number the venue gives to the first tick of a session, where that is known; a later start is then a gap. */
  readonly firstSequence: number | null;
}

/** `exchange/symbol/session`, each part percent-encoded where it holds `/` or `%`. */
export function seriesName(series: Pick<Series, 'exchange' | 'symbol' | 'session'>): string {
  return `${escapePart(series.exchange)}/${escapePart(series.symbol)}/${escapePart(series.session)}`;
}

/** The printed identity of a tick, the same after every replay and re-load: `exchange/symbol/session/source_sequence`. */
export function messageId(series: Pick<Series, 'exchange' | 'symbol' | 'session'>, venueSequence: number): string {
  return `${seriesName(series)}/${venueSequence}`;
}

function escapePart(part: string): string {
  return part.replaceAll('%', '%25').replaceAll('/', '%2F');
}
