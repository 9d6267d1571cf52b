import { Command, type HelpContext, type Option } from 'commander';
import type { CliContext } from './context.ts';
import { CliError, EXIT } from './exit-codes.ts';

/** Gives a command its arguments, options, help and action. */
export type Define = (command: Command, context: CliContext, program: Program) => void;

/** `k2` or one of its commands. A command line that is not understood is a CliError like every other failure. */
export class K2Command extends Command {
  override createCommand(name?: string): K2Command {
    return new K2Command(name);
  }

  override addOption(option: Option): this {
    // `--exchange --limit 5` lacks a value: taken for one, `--limit` would leave `5` to be blamed.
    if (option.required)
      this.on(`option:${option.name()}`, (value: string) => {
        if (this.hasFlag(value)) this.error(`error: option '${option.flags}' argument missing before '${value}'`);
      });
    return super.addOption(option);
  }

  override help(context?: HelpContext | ((text: string) => string)): never {
    if (typeof context === 'object' && context.error) {
      const names = this.commands.map((command) => command.name());
      this.error(`error: a command is missing, one of ${names.join(', ')}`);
    }
    return super.help(context as HelpContext);
  }

  override error(message: string): never {
    const what = message
      .replace(/^error: /, '')
      .replace(/\.$/, '')
      .replaceAll('\n', ' ');
    throw new CliError(`${what}; see \`${this.path} --help\``, EXIT.usage);
  }

  private get path(): string {
    const parent = this.parent as K2Command | null;
    return parent === null ? this.name() : `${parent.path} ${this.name()}`;
  }

  private hasFlag(flag: string): boolean {
    const parent = this.parent as K2Command | null;
    return this.options.some(({ long, short }) => flag === long || flag === short) || (parent?.hasFlag(flag) ?? false);
  }
}

/** The `k2` command itself. */
export class Program extends K2Command {
  /** What the command that ran wants the process to end with. */
  exitCode: number = EXIT.ok;
}
