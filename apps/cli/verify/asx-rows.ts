import type { RecordType } from '@k2/domain/market';

/** What a line says, read for the recount alone; `amounts` are scaled by 10^8. */
export interface AsxRow {
  /** Local date, `2014-03-10`. */
  readonly date: string;
  /** Local date and time, `2014-03-10 13:50:38.849`: sorts as time does. */
  readonly localTime: string;
  /** In the order of AMOUNTS. */
  readonly amounts: readonly bigint[];
}

/** The columns that are added up, by their names in the lake, as they stand in the files from the third field on. */
export const AMOUNTS: Readonly<Record<RecordType, readonly string[]>> = {
  trades: ['price', 'quantity'],
  quotes: ['bid_price', 'ask_price', 'bid_quantity', 'ask_quantity'],
};

const FIELD_COUNT: Readonly<Record<RecordType, number>> = { trades: 7, quotes: 6 };
const DATE = /^(\d{2})\/(\d{2})\/(\d{4})$/;
const TIME = /^\d{2}:\d{2}:\d{2}\.\d{3}$/;
const AMOUNT = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;
const SCALE = 8;
/** A field is a decimal(18,8); sums over many rows may have more digits. */
const FIELD_SCALED_MAX = 10n ** 18n - 1n;

/** Null: not a row. */
export function readAsxRow(text: string, recordType: RecordType): AsxRow | null {
  const fields = text.split(',');
  const date = DATE.exec(fields[0]!);
  if (fields.length !== FIELD_COUNT[recordType] || date === null || !TIME.test(fields[1]!)) return null;
  const amounts = AMOUNTS[recordType].map((_, at) => readField(fields[2 + at]!));
  if (amounts.includes(null)) return null;
  const [, month, day, year] = date;
  const isoDate = `${year}-${month}-${day}`;
  return { date: isoDate, localTime: `${isoDate} ${fields[1]}`, amounts: amounts as readonly bigint[] };
}

function readField(text: string): bigint | null {
  const amount = readAmount(text);
  return amount === null || amount > FIELD_SCALED_MAX || amount < -FIELD_SCALED_MAX ? null : amount;
}

/** A plain decimal (`-12.5`, `.5`, `7.`) × 10^8. Null: it is none, or its ninth decimal or a later one is not zero. */
export function readAmount(text: string): bigint | null {
  if (!AMOUNT.test(text)) return null;
  const [whole, fraction = ''] = text.replace(/^[+-]/, '').split('.');
  if (/[1-9]/.test(fraction.slice(SCALE))) return null;
  const magnitude = BigInt(whole! + fraction.slice(0, SCALE).padEnd(SCALE, '0'));
  return text.startsWith('-') ? -magnitude : magnitude;
}

export function printAmount(scaled: bigint): string {
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(9, '0');
  const text = `${digits.slice(0, -8)}.${digits.slice(-8)}`.replace(/\.?0+$/, '');
  return scaled < 0n ? `-${text}` : text;
}
