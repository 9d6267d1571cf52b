import { divideHalfEven, messageId, printDecimal } from '@k2/domain/market';
import type { AnswerValues } from '@k2/ports';
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

/** notional ÷ volume, half to even at the eighth digit; null where the volume is 0. */
export function vwaps(rows: Rows, places: { readonly notional: number; readonly volume: number }): MadeColumn {
  const quotients = rows.map((row) => {
    const volume = unscaled(row[places.volume] as string);
    // Scale 16 by scale 8 is scale 8.
    return volume === 0n ? null : divideHalfEven(unscaled(row[places.notional] as string), volume);
  });
  const all = quotients.map((quotient) => quotient ?? 0n);
  const isInt64 = all.every((quotient) => quotient === BigInt.asIntN(64, quotient));
  return {
    values: isInt64 ? { kind: 'decimal', values: BigInt64Array.from(all) } : utf8Values(all.map(printDecimal)),
    nulls: quotients.includes(null) ? Uint8Array.from(quotients, (quotient) => (quotient === null ? 1 : 0)) : null,
  };
}

function unscaled(decimal: string): bigint {
  return BigInt(decimal.replace('.', ''));
}
