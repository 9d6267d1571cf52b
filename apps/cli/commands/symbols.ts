import type { Command } from 'commander';
import type { CliContext, GlobalOptions } from '../context.ts';
import { printRows } from '../output/print-rows.ts';
import {
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
Examples:
  $ k2 symbols
  $ k2 symbols --exchange ASX --from 2014-03-09T13:00Z --to 2014-03-10T13:00Z --json`;

/** `k2 symbols`: the instruments recorded, with counts and times. */
export function defineSymbols(command: Command, context: CliContext): void {
  addLimitOption(addTimeOptions(addInstrumentOptions(command)))
    .addHelpText('after', HELP)
    .action(async (_options: unknown, self: Command) => {
      const options = self.optsWithGlobals<FilterOptions & LimitOptions & GlobalOptions>();
      const limit = limitOf(options);
      await withSession(context, options, 'ask', async (session) => {
        const stream = await session.symbols(filterOf(options), limit + 1);
        await printRows(context, stream, {
          json: options.json === true,
          limit,
          none: 'nothing was recorded',
          narrowBy: '--limit, --from, --to',
        });
      });
    });
}
