import { InvalidArgumentError, Option } from 'commander';
import { SETTINGS } from '@k2/composition/settings';
import { COMMANDS } from './commands.ts';
import { Program } from './command.ts';
import type { CliContext } from './context.ts';
import { EXIT_HELP } from './exit-codes.ts';

const HELP = `
k2 talks to the running server of the data directory where there is one, and opens the directory itself
where there is none. Rows go to stdout; what they are of, progress and errors go to stderr. With --json an error
is one line, {"error":…,"exitCode":…}.

Examples:
  $ k2 load asx data/asx-2014-03
  $ k2 trades --exchange ASX --symbol BHP --from 2014-03-09T13:00Z --to 2014-03-10T13:00Z
  $ k2 query "select symbol, count(*) n, sum(quantity) volume from trades group by symbol" --json
  $ k2 verify asx data/asx-2014-03
${EXIT_HELP}

K2_DEBUG=1 shows where an error came from.`;

/** Parsing throws CommanderError where help was printed, and CliError for a command line that is not understood. */
export function createProgram(context: CliContext): Program {
  const program = new Program('k2');
  const write = (output: CliContext['stdout']) => (text: string) => void output.write(text).catch(() => undefined);
  const aboutUrl = 'ask the server at this address, and not the data directory';
  program
    .description('Records market data so that nothing is lost or counted twice, and says how complete each answer is.')
    .addOption(new Option('--data <dir>', SETTINGS.data.doc).env(SETTINGS.data.env).default(SETTINGS.data.default))
    .addOption(new Option('--url <url>', aboutUrl).env('K2_URL').argParser(parseUrl))
    .option('--json', 'rows as JSON, one object a line')
    .configureHelp({ showGlobalOptions: true, helpWidth: 100 })
    .configureOutput({ writeOut: write(context.stdout), writeErr: write(context.stderr) })
    .helpCommand(false)
    .exitOverride()
    .addHelpText('after', HELP);
  for (const { name, summary } of COMMANDS) program.command(name).description(summary);
  const undefinedYet = new Map(COMMANDS.map(({ name, load }) => [name, load]));
  program.hook('preSubcommand', async (_, command) => {
    const load = undefinedYet.get(command.name());
    undefinedYet.delete(command.name());
    (await load?.())?.(command, context, program);
  });
  return program;
}

function parseUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('Expected the address of a server, as http://127.0.0.1:7080');
  return text;
}
