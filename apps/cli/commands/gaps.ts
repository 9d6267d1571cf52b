import { Option, type Command } from 'commander';
import type { RecordType } from '@k2/domain/market';
import type { CliContext, GlobalOptions } from '../context.ts';
import { printRows } from '../output/print-rows.ts';
import {
  addInstrumentOptions,
  addLimitOption,
  filterOf,
  limitOf,
  type FilterOptions,
  type LimitOptions,
} from './tick-options.ts';
import { withSession } from './with-session.ts';

const HELP = `
A gap is a range of numbers that were given and whose ticks are not in the table: they never came, or they came and were
refused, and then audit.quarantine has them with the reason. Numbers that arrived late are no gap any more. Where K2
numbers the ticks itself, only a refused row leaves a gap: what never arrived leaves no trace, and completeness is
unverifiable.

Examples:
  $ k2 gaps
  $ k2 gaps --exchange SIMX --type trades --json
  $ k2 query "select reason, count(*) n from quarantine group by reason"`;

interface GapsOptions extends FilterOptions, LimitOptions, GlobalOptions {
  readonly type?: RecordType;
}

/** `k2 gaps`: what is missing. */
export function defineGaps(command: Command, context: CliContext): void {
  addInstrumentOptions(command).addOption(new Option('--type <type>', 'only these').choices(['trades', 'quotes']));
  addLimitOption(command)
    .addHelpText('after', HELP)
    .action(async (_options: unknown, self: Command) => {
      const options = self.optsWithGlobals<GapsOptions>();
      const limit = limitOf(options);
      await withSession(context, options, 'ask', async (session) => {
        const { type } = options;
        const stream = await session.gaps({
          ...(type !== undefined && { recordType: type }),
          filter: filterOf(options),
          limit: limit + 1,
        });
        await printRows(context, stream, {
          json: options.json === true,
          limit,
          none: 'no gap is known',
          narrowBy: '--limit',
        });
      });
    });
}
