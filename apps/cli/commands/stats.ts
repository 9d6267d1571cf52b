import type { Command } from 'commander';
import type { CliContext, GlobalOptions } from '../context.ts';
import { printRows } from '../output/print-rows.ts';
import { ROWS_MAX } from './tick-options.ts';
import { withSession } from './with-session.ts';

const HELP = `
Examples:
  $ k2 stats
  $ k2 stats --json`;

/** `k2 stats`: how much each table holds. */
export function defineStats(command: Command, context: CliContext): void {
  command.addHelpText('after', HELP).action(async (_options: unknown, self: Command) => {
    const options = self.optsWithGlobals<GlobalOptions>();
    await withSession(context, options, 'ask', async (session) => {
      const stream = await session.stats();
      await printRows(context, stream, {
        json: options.json === true,
        limit: ROWS_MAX,
        none: 'no tables yet',
        narrowBy: '--limit',
      });
    });
  });
}
