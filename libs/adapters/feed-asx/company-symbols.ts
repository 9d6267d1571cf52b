import { civilDate, dayNumber, isSymbol, SYMBOL_EXPECTED } from '@k2/domain/market';
import { named } from './messages.ts';

/** One row of `reference-data/company_info.csv`: the company has this symbol on the days `[fromDay, toDay]`. */
export interface SymbolPeriod {
  readonly companyId: string;
  readonly symbol: string;
  readonly fromDay: number;
  readonly toDay: number;
  readonly line: number;
}

export class ReferenceDataError extends Error {
  override readonly name = 'ReferenceDataError';
}

const COLUMNS = ['company_id', 'symbol', 'start_date', 'end_date'] as const;
const OPEN_END = 1_000_000;

/** Which symbol a company has on a day, for the companies asked for. */
export class CompanySymbols {
  private readonly periods: ReadonlyMap<string, readonly SymbolPeriod[]>;

  private constructor(periods: ReadonlyMap<string, readonly SymbolPeriod[]>) {
    this.periods = periods;
  }

  /**
   * Reads `company_info.csv` (header row, MM/DD/YYYY, an empty end means that the symbol is current). Only rows of the
   * companies given are looked at: a broken row of another company stops nothing, nor does a name in whatever encoding.
   * Throws ReferenceDataError where a company is not in it, a date or symbol is unusable, or it contradicts itself:
   * two symbols of a company, or two companies of a symbol, on one day would give two ticks one identity.
   */
  static parse(bytes: Uint8Array, companyIds: ReadonlySet<string>): CompanySymbols {
    const lines = oneCharacterAByte(bytes).replace(BYTE_ORDER_MARK, '').split(/\r?\n/);
    const header = splitCsv(lines[0]);
    const [idAt, symbolAt, fromAt, toAt] = COLUMNS.map((column) => header.indexOf(column));
    const absent = COLUMNS.filter((column) => !header.includes(column));
    if (absent.length > 0) throw new ReferenceDataError(`its header row has no column ${absent.join(', ')}`);

    const periods = new Map<string, SymbolPeriod[]>();
    lines.forEach((text, index) => {
      const fields = splitCsv(text);
      const companyId = utf8(fields[idAt!] ?? '') ?? '';
      if (index === 0 || !companyIds.has(companyId)) return;
      const line = index + 1;
      const symbol = symbolOf(fields[symbolAt!] ?? '', companyId, line);
      const fromDay = parseDay(fields[fromAt!] ?? '', 'start_date', line);
      const to = fields[toAt!] ?? '';
      const toDay = to === '' ? OPEN_END : parseDay(to, 'end_date', line);
      const period = { companyId, symbol, fromDay, toDay, line };
      periods.set(companyId, [...(periods.get(companyId) ?? []), period]);
    });

    const unknown = [...companyIds].filter((id) => !periods.has(id));
    if (unknown.length > 0) throw new ReferenceDataError(`it has no symbol for ${named(unknown.sort())}`);
    const all = [...periods.values()].flat();
    refuseOverlap(all, (period) => `company ${period.companyId}`);
    refuseOverlap(all, (period) => `symbol ${period.symbol}`);
    return new CompanySymbols(periods);
  }

  /** Null where the reference data has no symbol of the company for that day. */
  symbol(companyId: string, day: number): string | null {
    const period = this.periods.get(companyId)?.find(({ fromDay, toDay }) => fromDay <= day && day <= toDay);
    return period?.symbol ?? null;
  }
}

/** Days since 1970 of a valid `MM/DD/YYYY`, or null. */
export function parseUsDate(text: string): number | null {
  const match = /^(\d{2})\/(\d{2})\/(\d{4})$/.exec(text);
  if (match === null) return null;
  const [, month, day, year] = match;
  const days = dayNumber(Number(year), Number(month), Number(day));
  return civilDate(days) === `${year}-${month}-${day}` ? days : null;
}

function parseDay(text: string, column: string, line: number): number {
  const day = parseUsDate(text);
  if (day === null) {
    throw new ReferenceDataError(
      `line ${line}: ${column} is ${JSON.stringify(text)}: expected a date as MM/DD/YYYY, 03/10/2014 for 10 March`,
    );
  }
  return day;
}

function refuseOverlap(periods: readonly SymbolPeriod[], subjectOf: (period: SymbolPeriod) => string): void {
  const sorted = [...periods].sort((a, b) => compare(subjectOf(a), subjectOf(b)) || a.fromDay - b.fromDay);
  sorted.forEach((period, i) => {
    const before = sorted[i - 1];
    if (before === undefined || subjectOf(before) !== subjectOf(period) || before.toDay < period.fromDay) return;
    throw new ReferenceDataError(
      `lines ${before.line} and ${period.line}: two rows of ${subjectOf(period)} cover ${civilDate(period.fromDay)}`,
    );
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Spaces around a symbol are padding. */
function symbolOf(field: string, companyId: string, line: number): string {
  const text = utf8(field);
  if (text === null) throw new ReferenceDataError(`line ${line}: the symbol of company ${companyId} is not UTF-8`);
  const symbol = text.trim();
  if (symbol === '') throw new ReferenceDataError(`line ${line}: company ${companyId} has no symbol`);
  if (isSymbol(symbol)) return symbol;
  const value = JSON.stringify(
    symbol.length > QUOTED_CHARACTERS_MAX ? `${symbol.slice(0, QUOTED_CHARACTERS_MAX)}…` : symbol,
  );
  throw new ReferenceDataError(
    `line ${line}: the symbol of company ${companyId} is ${value}: expected ${SYMBOL_EXPECTED}`,
  );
}

const QUOTED_CHARACTERS_MAX = 80;
const BYTE_ORDER_MARK = /^\u00ef\u00bb\u00bf/;

/** Lets lines and fields be found in any encoding that has ASCII in it. */
function oneCharacterAByte(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Null where the bytes are not UTF-8. */
function utf8(field: string): string | null {
  if (!/[\x80-\xff]/.test(field)) return field;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(field, 'latin1'));
  } catch {
    return null;
  }
}

/** Fields of one line; a field in double quotes may hold commas, and a quote as two (RFC 4180). */
function splitCsv(line: string): string[] {
  const fields: string[] = [];
  const field = /"((?:[^"]|"")*)"(?=,|$)|[^,]*/y;
  for (let at = 0; at <= line.length; at = field.lastIndex + 1) {
    field.lastIndex = at;
    const [text, quoted] = field.exec(line)!;
    fields.push(quoted === undefined ? text : quoted.replaceAll('""', '"'));
  }
  return fields;
}
