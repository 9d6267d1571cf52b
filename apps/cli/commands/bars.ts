import { InvalidArgumentError, type Command } from 'commander';
import { US_PER_SECOND } from '@k2/domain/market/time';
import type { AsOf } from '@k2/ports';
import type { CliContext, GlobalOptions } from '../context.ts';
import { printRows } from '../output/print-rows.ts';
import {
  addAsOfOption,
  addInstrumentOptions,
  addLimitOption,
  addTimeOptions,
  filterOf,
  limitOf,
  type FilterOptions,
  type LimitOptions,
} from './tick-options.ts';
import { withSession } from './with-session.ts';

const HELP = `
Windows are half-open and aligned to 1970-01-01T00:00Z; one without a trade is absent.

Examples:
  $ k2 bars --symbol BHP --interval 5m --from 2014-03-09T13:00Z --to 2014-03-10T13:00Z
  $ k2 bars --exchange ASX --interval 1d --json`;

const INTERVAL_DEFAULT_US = 60 * US_PER_SECOND;

interface BarsOptions extends FilterOptions, LimitOptions, GlobalOptions {
  readonly asOf?: AsOf;
  /** µs. */
  readonly interval?: number;
}

/** `k2 bars`: OHLCV and VWAP of trades. */
export function defineBars(command: Command, context: CliContext): void {
  addTimeOptions(addInstrumentOptions(command));
  addAsOfOption(command).option('--interval <length>', 'window, as 1s, 5m, 1h or 1d (default: 1m)', parseInterval);
  addLimitOption(command)
    .addHelpText('after', HELP)
    .action(async (_options: unknown, self: Command) => {
      const options = self.optsWithGlobals<BarsOptions>();
      const limit = limitOf(options);
      await withSession(context, options, 'ask', async (session) => {
        const stream = await session.bars({
          filter: filterOf(options),
          asOf: options.asOf ?? { kind: 'latest' },
          intervalUs: options.interval ?? INTERVAL_DEFAULT_US,
          limit: limit + 1,
        });
        await printRows(context, stream, {
          json: options.json === true,
          limit,
          none: 'no trades',
          narrowBy: '--limit, --from, --to',
        });
      });
    });
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

export function parseInterval(text: string): number {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(text);
  if (match === null) throw new InvalidArgumentError('Expected a number and s, m, h or d, as 5m');
  return Number(match[1]) * UNIT_SECONDS[match[2]!]! * US_PER_SECOND;
}
