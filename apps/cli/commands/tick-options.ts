import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseTimeUs, TimeError } from '@k2/domain/market/time';
import type { AsOf, TickFilter } from '@k2/ports';

/** Rows of a table where no limit is given: about two screens. */
const TABLE_ROWS = 100;
/** One answer has a million rows at most; the last tells whether there are more. */
export const ROWS_MAX = 999_999;

export interface FilterOptions {
  readonly exchange?: string;
  readonly symbol?: readonly string[];
  readonly from?: number;
  readonly to?: number;
}

export interface LimitOptions {
  readonly limit?: number;
  readonly json?: true;
}

export function addInstrumentOptions(command: Command): Command {
  return command
    .option('--exchange <code>', 'venue, as ASX')
    .option('--symbol <symbol>', 'the venue’s symbol; repeat it, or separate several by commas', addSymbols);
}

export function addTimeOptions(command: Command): Command {
  return command
    .option('--from <time>', 'first time, inclusive: ISO 8601, UTC unless it has an offset', parseTime)
    .option('--to <time>', 'last time, exclusive', parseTime);
}

export function addAsOfOption(command: Command): Command {
  const about = 'as the lake was then: a time, or a snapshot id';
  return command.addOption(new Option('--as-of <time|id>', about).argParser(parseAsOf));
}

export function addLimitOption(command: Command): Command {
  return command.option(
    '--limit <rows>',
    `rows at most, up to ${ROWS_MAX} (default: ${TABLE_ROWS} in a table, ${ROWS_MAX} with --json)`,
    parseLimit,
  );
}

export function limitOf({ limit, json }: LimitOptions): number {
  return limit ?? (json === true ? ROWS_MAX : TABLE_ROWS);
}

export function filterOf({ exchange, symbol, from, to }: FilterOptions): TickFilter {
  return {
    ...(exchange !== undefined && { exchange }),
    ...(symbol !== undefined && { symbols: symbol }),
    ...(from !== undefined && { fromUs: from }),
    ...(to !== undefined && { toUs: to }),
  };
}

export function parseTime(text: string): number {
  try {
    return parseTimeUs(text);
  } catch (error) {
    if (error instanceof TimeError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

export function parseAsOf(text: string): AsOf {
  if (/^\d+$/.test(text)) return { kind: 'snapshot', snapshotId: BigInt(text) };
  return { kind: 'time', timeUs: parseTime(text) };
}

export function parseLimit(text: string): number {
  const limit = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(limit >= 1 && limit <= ROWS_MAX)) throw new InvalidArgumentError(`Expected an integer from 1 to ${ROWS_MAX}`);
  return limit;
}

function addSymbols(text: string, before: readonly string[] = []): readonly string[] {
  const symbols = text.split(',').filter((symbol) => symbol !== '');
  if (symbols.length === 0) throw new InvalidArgumentError('Expected a symbol');
  return [...before, ...symbols];
}
