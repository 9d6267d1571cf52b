import type { Command } from 'commander';
import type { AsOf } from '@k2/ports';
import type { CliContext, GlobalOptions } from '../context.ts';
import { printRows } from '../output/print-rows.ts';
import { addAsOfOption, addLimitOption, limitOf, type LimitOptions } from './tick-options.ts';
import { withSession } from './with-session.ts';

const HELP = `
One SELECT in DuckDB's SQL over trades, quotes, sequence_gaps, sessions and quarantine, all as of one instant. Decimals are
printed exactly; times are UTC. SQL is answered without a word on completeness: k2 gaps lists what is missing.

Examples:
  $ k2 query "select count(*) n from trades" --json
  $ k2 query "select symbol, min(price), max(price), sum(quantity) from trades group by symbol order by symbol"
  $ k2 query "select count(*) n from trades" --as-of 2026-01-31T12:00Z
  $ k2 query "select source, position, reason, detail from quarantine"`;

interface QueryOptions extends LimitOptions, GlobalOptions {
  readonly asOf?: AsOf;
}

/** `k2 query SQL`. */
export function defineQuery(command: Command, context: CliContext): void {
  addLimitOption(addAsOfOption(command.argument('<sql>', 'one SELECT, in quotes')))
    .addHelpText('after', HELP)
    .action(async (sql: string, _options: unknown, self: Command) => {
      const options = self.optsWithGlobals<QueryOptions>();
      const limit = limitOf(options);
      await withSession(context, options, 'ask', async (session) => {
        const stream = await session.query(sql, limit + 1, options.asOf);
        await printRows(context, stream, { json: options.json === true, limit, none: 'no rows', narrowBy: '--limit' });
      });
    });
}
