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
      : new SettingError('the argument', flag, `one of ${flagNames().join(', ')}${suggestion(flag)}`);
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

function flagNames(): readonly string[] {
  return [...FLAGGED.map((key) => `--${SETTINGS[key].flag}`), '--help'];
}

/** As the other commands say it, and only of what may be a slip. */
function suggestion(arg: string): string {
  const given = arg.split('=', 1)[0];
  const near = flagNames()
    .map((flag) => ({ flag, distance: editDistance(given, flag) }))
    .filter(({ flag, distance }) => distance <= Math.min(3, flag.length * 0.4))
    .sort((a, b) => a.distance - b.distance);
  return near.length === 0 ? '' : ` (did you mean ${near[0].flag}?)`;
}

/** Letters that are too many, missing, wrong, or changed places with the next. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? rows[i - 2][j - 2] + 1 : Infinity;
      row.push(Math.min(changed, swapped, rows[i - 1][j] + 1, row[j - 1] + 1));
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
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
