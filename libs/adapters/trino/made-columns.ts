import { DECIMAL_ONE, meanPrice, messageId, printDecimal, WIDE_DECIMAL_PRECISION } from '@k2/domain/market';
import { PortError, type AnswerValues } from '@k2/ports';
import { utf8Values, type Rows } from './column-values.ts';

export interface MadeColumn {
  readonly values: AnswerValues;
  readonly nulls: Uint8Array | null;
}

/** Message ids of rows whose exchange, symbol, session and source_sequence are at these places. */
export function messageIds(rows: Rows, [exchangeAt, symbolAt, sessionAt, sequenceAt]: readonly number[]): AnswerValues {
  const texts = new Array<string>(rows.length);
  let series = { exchange: '', symbol: '', session: '' };
  let prefix: string | null = null;
  for (let at = 0; at < rows.length; at++) {
    const row = rows[at];
    const [exchange, symbol, session] = [row[exchangeAt], row[symbolAt], row[sessionAt]] as string[];
    if (prefix === null || exchange !== series.exchange || symbol !== series.symbol || session !== series.session) {
      series = { exchange, symbol, session };
      prefix = messageId(series, 0).slice(0, -1);
    }
    texts[at] = `${prefix}${row[sequenceAt] as number | bigint}`;
  }
  return utf8Values(texts);
}

/** Places of what a vwap is made of: Σ price × quantity by the whole and the fractional parts of the quantities. */
export interface VwapPlaces {
  readonly exchange: number;
  readonly symbol: number;
  /** At scale 8. */
  readonly volume: number;
  /** At scale 8. */
  readonly ofWholes: number;
  /** At scale 16. */
  readonly ofFractions: number;
}

/** Exact, half to even at the eighth digit; null where the volume is 0. Throws `invalid-query` of one that is too wide. */
export function vwaps(rows: Rows, places: VwapPlaces): MadeColumn {
  const means = rows.map((row) => vwapOf(row, places));
  const all = means.map((mean) => mean ?? 0n);
  const isInt64 = all.every((mean) => mean === BigInt.asIntN(64, mean));
  return {
    values: isInt64 ? { kind: 'decimal', values: BigInt64Array.from(all) } : utf8Values(all.map(printDecimal)),
    nulls: means.includes(null) ? Uint8Array.from(means, (mean) => (mean === null ? 1 : 0)) : null,
  };
}

function vwapOf(row: Rows[number], places: VwapPlaces): bigint | null {
  const [volume, ofWholes, ofFractions] = [places.volume, places.ofWholes, places.ofFractions].map((at) =>
    BigInt((row[at] as string).replace('.', '')),
  );
  try {
    return meanPrice(ofWholes * DECIMAL_ONE + ofFractions, volume);
  } catch (error) {
    const [exchange, symbol] = [row[places.exchange], row[places.symbol]] as string[];
    const message = `the vwap of a bar of ${exchange} ${symbol} has more than ${WIDE_DECIMAL_PRECISION} digits: its quantities, some of them negative, nearly cancel out; ask for another interval`;
    throw new PortError('invalid-query', message, { exchange, symbol }, { cause: error });
  }
}
