/**
 * Every setting of K2, declared once: its key, environment variable, flag, default, unit and range. A wrong value stops
 * start-up with the key's name and what was expected.
 */

export interface Setting<Value> {
  readonly env: string;
  /** Flag of `k2 up` and of the server; absent where only the environment sets it. */
  readonly flag?: string;
  readonly default: Value;
  readonly doc: string;
  /** Throws SettingError. */
  readonly parse: (text: string, name: string) => Value;
}

export class SettingError extends Error {
  override readonly name = 'SettingError';
  constructor(name: string, value: string, expected: string) {
    super(`${name} is ${JSON.stringify(value)}: expected ${expected}`);
  }
}

/** Between the entries of a list in one environment variable. */
const LIST_SEPARATOR = ';';

export const ROLES = ['ingest', 'sink', 'api'] as const;
export type Role = (typeof ROLES)[number];

export const SETTINGS = {
  data: text('K2_DATA', 'data', './.k2', 'Directory of the log, the catalog and the warehouse.'),
  host: text('K2_HOST', 'host', '127.0.0.1', 'Address that the API listens on.'),
  port: integer('K2_PORT', 'port', 7080, 0, 65_535, 'Port of the API; 0 takes a free one.'),
  role: roles('K2_ROLE', 'role'),
  feeds: feeds('K2_FEED', 'feed'),
  storage: oneOf(
    'K2_STORAGE',
    'storage',
    'embedded',
    ['embedded', 'memory'],
    'embedded keeps everything in the data directory, memory nothing at all.',
  ),
  logLevel: oneOf('K2_LOG_LEVEL', 'log-level', 'info', ['debug', 'info', 'warn', 'error'], 'Least level of log lines.'),
  flushIntervalMs: integer(
    'K2_FLUSH_INTERVAL_MS',
    undefined,
    2_000,
    10,
    3_600_000,
    'A commit is due this long after its first row, ms.',
  ),
  flushRowsMax: integer('K2_FLUSH_ROWS_MAX', undefined, 1_000_000, 1, 10_000_000, 'A commit is due at this many rows.'),
  logBytesMax: integer(
    'K2_LOG_BYTES_MAX',
    undefined,
    8 * 2 ** 30,
    2 ** 20,
    2 ** 50,
    'Bytes the log may hold before appends are refused.',
  ),
  drainTimeoutMs: integer(
    'K2_DRAIN_TIMEOUT_MS',
    undefined,
    30_000,
    0,
    3_600_000,
    'How long a stop waits for the log to be committed, ms.',
  ),
  queryTimeoutMs: integer('K2_QUERY_TIMEOUT_MS', undefined, 30_000, 1, 3_600_000, 'Deadline of a query, ms.'),
  queryMemoryBytesMax: integer(
    'K2_QUERY_MEMORY_BYTES_MAX',
    undefined,
    2 ** 30,
    256 * 2 ** 20,
    2 ** 40,
    'Memory cap of one query process.',
  ),
  queryProcesses: integer(
    'K2_QUERY_PROCESSES',
    undefined,
    2,
    1,
    64,
    'Processes that answer typed questions, one at a time each.',
  ),
  sqlProcesses: integer(
    'K2_SQL_PROCESSES',
    undefined,
    1,
    1,
    64,
    'Processes that run SQL, one statement at a time each.',
  ),
  queriesWaitingMax: integer(
    'K2_QUERIES_WAITING_MAX',
    undefined,
    64,
    0,
    10_000,
    'Queries that wait for a turn; further ones are refused.',
  ),
} as const;

export type Settings = { readonly [Key in keyof typeof SETTINGS]: (typeof SETTINGS)[Key]['default'] };

/** Settings from flags, then the environment, then the defaults. Flags are given by key. */
export function readSettings(
  flags: Readonly<Partial<Record<keyof typeof SETTINGS, string | readonly string[]>>>,
  env: Readonly<Record<string, string | undefined>>,
): Settings {
  const entries = Object.entries(SETTINGS).map(([key, setting]) => {
    const flag = flags[key as keyof typeof SETTINGS];
    const fromFlag = typeof flag === 'string' || flag === undefined ? flag : flag.join(LIST_SEPARATOR);
    if (fromFlag !== undefined) return [key, setting.parse(fromFlag, `--${setting.flag ?? key}`)];
    const fromEnv = env[setting.env];
    return [key, fromEnv === undefined ? setting.default : setting.parse(fromEnv, setting.env)];
  });
  return Object.fromEntries(entries) as Settings;
}

function text(env: string, flag: string, value: string, doc: string): Setting<string> {
  const parse = (given: string, name: string) => {
    if (given.trim() === '') throw new SettingError(name, given, 'a value that is not empty');
    return given;
  };
  return { env, flag, default: value, doc, parse };
}

function integer(
  env: string,
  flag: string | undefined,
  value: number,
  min: number,
  max: number,
  doc: string,
): Setting<number> {
  const parse = (given: string, name: string) => {
    const parsed = /^\d+$/.test(given) ? Number(given) : NaN;
    if (!(parsed >= min && parsed <= max)) throw new SettingError(name, given, `an integer from ${min} to ${max}`);
    return parsed;
  };
  return { env, ...(flag !== undefined && { flag }), default: value, doc, parse };
}

function oneOf<Value extends string>(
  env: string,
  flag: string,
  value: Value,
  allowed: readonly Value[],
  doc: string,
): Setting<Value> {
  const parse = (given: string, name: string) => {
    const found = allowed.find((one) => one === given);
    if (found === undefined) throw new SettingError(name, given, `one of ${allowed.join(', ')}`);
    return found;
  };
  return { env, flag, default: value, doc, parse };
}

function roles(env: string, flag: string): Setting<readonly Role[]> {
  const parse = (given: string, name: string) => {
    if (given === 'all') return ROLES;
    const chosen = given.split(',');
    if (!chosen.every((one): one is Role => (ROLES as readonly string[]).includes(one))) {
      throw new SettingError(name, given, `all, or some of ${ROLES.join(',')}`);
    }
    return chosen;
  };
  return { env, flag, default: ROLES, doc: `Rooms that the process runs: all, or some of ${ROLES.join(',')}.`, parse };
}

function feeds(env: string, flag: string): Setting<readonly string[]> {
  const parse = (given: string, name: string) => {
    const specs = given.split(LIST_SEPARATOR).filter((spec) => spec !== '');
    const known = specs.every((spec) => /^(?:none|simulator(?::.*)?|asx:.+)$/.test(spec));
    if (!known || (specs.includes('none') && specs.length > 1)) {
      throw new SettingError(name, given, 'none, simulator, simulator:key=value,… or asx:DIR (repeatable)');
    }
    return specs.filter((spec) => spec !== 'none');
  };
  return {
    env,
    flag,
    default: ['simulator'],
    doc: 'Where ticks come from: none, simulator[:key=value,…], asx:DIR; repeat the flag for several.',
    parse,
  };
}
