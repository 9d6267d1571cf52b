/** How settings are declared and parsed. */

export interface Setting<Value> {
  readonly env: string;
  /** Flag of `k2 up` and of the server; absent where only the environment sets it. */
  readonly flag?: string;
  readonly default: Value;
  readonly doc: string;
  /** A password or key: never printed. */
  readonly isSecret?: boolean;
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
export const LIST_SEPARATOR = ';';

export function text(env: string, flag: string | undefined, value: string, doc: string): Setting<string> {
  const parse = (given: string, name: string) => {
    if (given.trim() === '') throw new SettingError(name, given, 'a value that is not empty');
    return given;
  };
  return { env, ...(flag !== undefined && { flag }), default: value, doc, parse };
}

/** May be left away: its default is the empty string. */
export function optional(env: string, doc: string): Setting<string> {
  return { env, default: '', doc, parse: (given) => given };
}

export function secret(env: string, doc: string): Setting<string> {
  return { ...optional(env, doc), isSecret: true };
}

export function url(env: string, value: string, protocols: readonly string[], doc: string): Setting<string> {
  const expected = `a URL that starts with ${protocols.join(' or ')}`;
  const parse = (given: string, name: string) => {
    if (!protocols.some((protocol) => given.startsWith(protocol)) || !URL.canParse(given))
      throw new SettingError(name, withoutPassword(given), expected);
    return given;
  };
  return { env, default: value, doc, isSecret: true, parse };
}

export function flag(env: string, value: boolean, doc: string): Setting<boolean> {
  const parse = (given: string, name: string) => {
    if (given !== 'true' && given !== 'false') throw new SettingError(name, given, 'true or false');
    return given === 'true';
  };
  return { env, default: value, doc, parse };
}

export function integer(
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

export function oneOf<Value extends string>(
  env: string,
  flag: string | undefined,
  value: Value,
  allowed: readonly Value[],
  doc: string,
): Setting<Value> {
  const parse = (given: string, name: string) => {
    const found = allowed.find((one) => one === given);
    if (found === undefined) throw new SettingError(name, given, `one of ${allowed.join(', ')}`);
    return found;
  };
  return { env, ...(flag !== undefined && { flag }), default: value, doc, parse };
}

/** Some of a set, separated by commas, or `all`. */
export function someOf<Value extends string>(
  env: string,
  flag: string,
  value: readonly Value[],
  allowed: readonly Value[],
  doc: string,
): Setting<readonly Value[]> {
  const parse = (given: string, name: string) => {
    if (given === 'all') return allowed;
    const chosen = given.split(',');
    if (!chosen.every((one): one is Value => (allowed as readonly string[]).includes(one)))
      throw new SettingError(name, given, `all, or some of ${allowed.join(',')}`);
    return chosen;
  };
  return { env, flag, default: value, doc, parse };
}

/** `host:port`, separated by commas. */
export function hosts(env: string, value: readonly string[], doc: string): Setting<readonly string[]> {
  const parse = (given: string, name: string) => {
    const all = given.split(',').map((host) => host.trim());
    if (!all.every((host) => /^(?:[\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/.test(host)))
      throw new SettingError(name, given, 'host:port, several separated by commas');
    return all;
  };
  return { env, default: value, doc, parse };
}

/** Names of hosts without ports, separated by commas; none by default. */
export function hostNames(env: string, doc: string): Setting<readonly string[]> {
  const parse = (given: string, name: string) => {
    if (given.trim() === '') return [];
    const all = given.split(',').map((host) => host.trim().toLowerCase());
    if (!all.every((host) => /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/.test(host)))
      throw new SettingError(name, given, 'names of hosts without ports, several separated by commas');
    return all;
  };
  return { env, default: [], doc, parse };
}

/** An adapter of K2 by its short name, or of anybody by the name of its package. The first is the default. */
export function adapter(env: string, flag: string, own: readonly string[], doc: string): Setting<string> {
  const parse = (given: string, name: string) => {
    if (own.includes(given) || isPackageName(given)) return given;
    throw new SettingError(
      name,
      given,
      `one of ${own.join(', ')}, or a package: @scope/name, or a path that starts with . or /`,
    );
  };
  return { env, flag, default: own[0], doc, parse };
}

export function isPackageName(name: string): boolean {
  return /^(?:@[\w.-]+\/[\w.-]+(?:\/[\w./-]+)?|\.{0,2}\/.+)$/.test(name);
}

function withoutPassword(given: string): string {
  return given.replace(/(\/\/[^:/@]*):[^@]*@/, '$1:…@');
}
