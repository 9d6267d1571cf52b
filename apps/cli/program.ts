import { Command, Option } from 'commander';
import { SETTINGS } from '@k2/composition/settings';
import { addBars } from './commands/bars.ts';
import { addGaps } from './commands/gaps.ts';
import { addLoad } from './commands/load.ts';
import { addMaintain } from './commands/maintain.ts';
import { addQuery } from './commands/query.ts';
import { addSchema } from './commands/schema.ts';
import { addSnapshots } from './commands/snapshots.ts';
import { addStats } from './commands/stats.ts';
import { addSymbols } from './commands/symbols.ts';
import { addTicks } from './commands/ticks.ts';
import { addUp } from './commands/up.ts';
import { addVerify } from './commands/verify.ts';
import type { CliContext } from './context.ts';
import { EXIT, EXIT_HELP } from './exit-codes.ts';

/** The `k2` command. `exitCode` is what the command that ran wants the process to end with. */
export type Program = Command & { exitCode: number };

const HELP = `
k2 talks to the running server of the data directory where there is one, and opens the directory itself
where there is none. Rows go to stdout; what they are of, progress and errors go to stderr.

Examples:
  $ k2 load asx data/asx-2014-03
  $ k2 trades --exchange ASX --symbol BHP --from 2014-03-10 --to 2014-03-11
  $ k2 query "select symbol, count(*) n, sum(quantity) volume from trades group by symbol" --json
  $ k2 verify asx data/asx-2014-03
${EXIT_HELP}

K2_DEBUG=1 shows where an error came from.`;

/** Throws CommanderError for help and for a command line that is not understood. */
export function createProgram(context: CliContext): Program {
  const program = Object.assign(new Command('k2'), { exitCode: EXIT.ok as number });
  const write = (output: CliContext['stdout']) => (text: string) => void output.write(text).catch(() => undefined);
  program
    .description('Records market data so that nothing is lost or counted twice, and says how complete each answer is.')
    .addOption(new Option('--data <dir>', SETTINGS.data.doc).env(SETTINGS.data.env).default(SETTINGS.data.default))
    .addOption(new Option('--url <url>', 'ask the server at this address, and not the data directory').env('K2_URL'))
    .option('--json', 'rows as JSON, one object a line')
    .configureHelp({ showGlobalOptions: true, helpWidth: 100 })
    .configureOutput({ writeOut: write(context.stdout), writeErr: write(context.stderr) })
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    .addHelpText('after', HELP);
  addUp(program, context);
  addLoad(program, context);
  addTicks(program, context, 'trades');
  addTicks(program, context, 'quotes');
  addBars(program, context);
  addSymbols(program, context);
  addQuery(program, context);
  addGaps(program, context);
  addSnapshots(program, context);
  addStats(program, context);
  addMaintain(program, context);
  addSchema(program, context);
  addVerify(program, context);
  return program;
}
