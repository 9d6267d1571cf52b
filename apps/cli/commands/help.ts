import type { Command } from 'commander';
import type { Program } from '../command.ts';
import type { CliContext } from '../context.ts';

const HELP = `
Examples:
  $ k2 help
  $ k2 help trades
  $ k2 help load asx`;

/** `k2 help COMMAND`: the same as `k2 COMMAND --help`. */
export function defineHelp(command: Command, _context: CliContext, program: Program): void {
  command
    .argument('[command...]', 'which')
    .addHelpText('after', HELP)
    .action(async (names: readonly string[]) => {
      const isKnown = names.length === 0 || program.commands.some((one) => one.name() === names[0]);
      // The parser has the words for a command that there is not.
      await program.parseAsync(isKnown ? [...names, '--help'] : names, { from: 'user' });
    });
}
