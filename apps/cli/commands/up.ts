import type { Command } from 'commander';
import { readSettings, SETTINGS, type Setting } from '@k2/composition/settings';
import type { Program } from '../command.ts';
import type { CliContext, GlobalOptions } from '../context.ts';

const HELP = `
The server's log goes to this terminal. Ctrl-C stops it once what it has received is committed; the exit code is the
server's. Every flag can also be given by its environment variable.

Examples:
  $ k2 up
  $ k2 up --feed none --port 8080
  $ k2 up --feed simulator --feed asx:data/asx-2014-03 --data ./lake`;

type Key = keyof typeof SETTINGS;
const FLAGS = (Object.entries(SETTINGS) as [Key, Setting<unknown>][]).filter(
  ([key, { flag }]) => flag !== undefined && key !== 'data',
);

/** `k2 up`: starts the server. Its flags are the settings that have one. */
export function defineUp(command: Command, context: CliContext, program: Program): void {
  for (const [key, { flag, env, doc, default: value }] of FLAGS) {
    const about = `${doc} (default: ${Array.isArray(value) ? value.join(',') : String(value)}, env: ${env})`;
    if (key === 'feeds')
      command.option(`--${flag} <spec>`, about, (spec: string, specs: string[] = []) => [...specs, spec]);
    else command.option(`--${flag} <value>`, about);
  }
  command.addHelpText('after', HELP).action(async (_options: unknown, self: Command) => {
    const given = self.optsWithGlobals<GlobalOptions & Record<string, string | readonly string[] | undefined>>();
    const flags: Partial<Record<Key, string | readonly string[]>> = { data: given.data };
    for (const [key, { flag }] of FLAGS) {
      const value = given[camelCase(flag!)];
      if (value !== undefined) flags[key] = value;
    }
    // A wrong value is told here, with the flag's name, before anything starts.
    readSettings(flags, context.env);
    program.exitCode = await context.runServer(serverArgs(flags));
  });
}

function serverArgs(flags: Partial<Record<Key, string | readonly string[]>>): string[] {
  return Object.entries(flags).flatMap(([key, values]) =>
    [values].flat().flatMap((value) => [`--${SETTINGS[key as Key].flag!}`, value as string]),
  );
}

/** As Commander names the options of a flag: `log-level` → `logLevel`. */
function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
