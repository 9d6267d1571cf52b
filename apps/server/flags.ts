import { parseArgs } from 'node:util';
import { readSettings, SettingError, SETTINGS, type Settings } from '@k2/composition';

type SettingKey = keyof typeof SETTINGS;
type Flags = Partial<Record<SettingKey, string | readonly string[]>>;

const KEYS = Object.keys(SETTINGS) as SettingKey[];
const FLAGGED = KEYS.filter((key) => SETTINGS[key].flag !== undefined);

/** Settings of a command line, or that help was asked for. Throws SettingError, naming the flag. */
export function readCommandLine(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Settings | 'help' {
  const flags = parseFlags(args);
  return flags === 'help' ? 'help' : readSettings(flags, env);
}

function parseFlags(args: readonly string[]): Flags | 'help' {
  const named = FLAGGED.map((key) => [SETTINGS[key].flag!, { type: 'string', multiple: key === 'feeds' }] as const);
  let values: Readonly<Record<string, unknown>>;
  try {
    const options = { ...Object.fromEntries(named), help: { type: 'boolean', short: 'h' } } as const;
    values = parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch {
    const flag = args.find((arg) => !isKnown(arg)) ?? args.at(-1) ?? '';
    throw isKnown(flag)
      ? new SettingError(flag, '', `a value after it`)
      : new SettingError('the argument', flag, `one of ${flagNames()}`);
  }
  if (values['help'] === true) return 'help';
  const given = FLAGGED.filter((key) => values[SETTINGS[key].flag!] !== undefined);
  return Object.fromEntries(given.map((key) => [key, values[SETTINGS[key].flag!]])) as Flags;
}

function isKnown(arg: string): boolean {
  const name = arg.replace(/^--/, '').split('=', 1)[0];
  return (
    arg === '-h' || (arg.startsWith('--') && (name === 'help' || FLAGGED.some((key) => SETTINGS[key].flag === name)))
  );
}

function flagNames(): string {
  return [...FLAGGED.map((key) => `--${SETTINGS[key].flag}`), '--help'].join(', ');
}

export function helpText(): string {
  const flags = FLAGGED.map((key) => {
    const { flag, env, doc } = SETTINGS[key];
    return `  --${flag!.padEnd(10)} ${doc}\n  ${''.padEnd(12)} ${env}, default ${shown(SETTINGS[key].default)}`;
  });
  const environment = KEYS.filter((key) => SETTINGS[key].flag === undefined).map((key) => {
    const { env, doc } = SETTINGS[key];
    return `  ${env.padEnd(26)} ${doc} Default ${shown(SETTINGS[key].default)}.`;
  });
  return [
    'K2 records market data, loses nothing, and says of every answer how complete it is.',
    '',
    'Usage: k2 up [flags]',
    '',
    ...flags,
    '  --help       This.',
    '',
    'Environment only:',
    ...environment,
    '',
  ].join('\n');
}

function shown(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}
