import { describe, expect, it } from '@jest/globals';
import type { Command } from 'commander';
import { COMMANDS } from './commands.ts';
import { EXIT } from './exit-codes.ts';
import { createProgram } from './program.ts';
import { fakeContext, runCli } from './testing/fake-context.ts';

interface Leaf {
  /** As typed: `load asx`. */
  readonly name: string;
  readonly command: Command;
  /** The command with an argument for each that it needs. */
  readonly line: readonly string[];
}

/** Every command that does something. */
const LEAVES = await leaves();

async function leaves(): Promise<readonly Leaf[]> {
  const context = fakeContext();
  const program = createProgram(context);
  const found: Leaf[] = [];
  const visit = (command: Command, before: readonly string[]) => {
    const path = [...before, command.name()];
    const args = command.registeredArguments.filter(({ required }) => required).map((argument) => argument.name());
    // One that has commands of its own does nothing itself; `k2 verify` does.
    const does = command.commands.length === 0 || command.name() === 'verify';
    if (does) found.push({ name: path.join(' '), command, line: [...path, ...args] });
    for (const inner of command.commands) visit(inner, path);
  };
  for (const { name, load } of COMMANDS) {
    const command = program.commands.find((one) => one.name() === name)!;
    (await load())(command, context, program);
    visit(command, []);
  }
  return found;
}

const NAMES = LEAVES.map(({ name }) => [name] as const);
const leaf = (name: string) => LEAVES.find((one) => one.name === name)!;

/** Ends with 2, opens nothing, and says the same in words and in JSON; resolves with the message. */
async function refused(line: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCli(line);
  const [, message] = /^k2: (.*)\n$/.exec(stderr) ?? [];
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: EXIT.usage, stdout: '', stderr: `k2: ${message}\n` });
  const asJson = await runCli(['--json', ...line]);
  expect({ ...asJson, stderr: JSON.parse(asJson.stderr) as unknown }).toEqual({
    exitCode: EXIT.usage,
    stdout: '',
    stderr: { error: message, exitCode: EXIT.usage },
  });
  return message!;
}

describe.each(NAMES)('k2 %s', (name) => {
  const { command, line } = leaf(name);
  const valued = command.options.filter(({ required }) => required);
  const hint = `; see \`k2 ${name} --help\``;

  it('names a flag that there is not, wherever its value stands', async () => {
    expect(await refused([...line, '--no-such-flag', 'value'])).toBe(`unknown option '--no-such-flag'${hint}`);
    expect(await refused([...line, '--no-such-flag=value'])).toBe(`unknown option '--no-such-flag=value'${hint}`);
  });

  it('names the flag that a mistyped one is nearest to', async () => {
    for (const { long } of [...command.options, { long: '--json' }]) {
      const mistyped = long!.replace(/.$/, '');
      const message = await refused([...line, mistyped, 'value']);
      expect(message).toMatch(new RegExp(`^unknown option '${mistyped}' \\(Did you mean .*${long!}.*\\?\\)`));
    }
  });

  it('names the flag whose value is missing, also if another flag follows it', async () => {
    for (const { flags, long } of valued) {
      expect(await refused([...line, long!])).toBe(`option '${flags}' argument missing${hint}`);
      const message = await refused([...line, long!, long!, 'value']);
      expect(message).toBe(`option '${flags}' argument missing before '${long}'${hint}`);
    }
  });

  it('names an argument too many', async () => {
    expect(await refused([...line, 'surplus'])).toContain('surplus');
  });
});

describe('a value of the wrong kind is named, with what was expected', () => {
  it.each([
    ['trades --limit 0', "'--limit <rows>' argument '0' is invalid. Expected an integer from 1 to 999999"],
    ['query x --limit many', "'--limit <rows>' argument 'many' is invalid. Expected an integer"],
    ['trades --from yesterday', `'--from <time>' argument 'yesterday' is invalid. "yesterday" is not a time`],
    ['quotes --to 31-02-2026', `'--to <time>' argument '31-02-2026' is invalid. "31-02-2026" is not a time`],
    ['bars --as-of now', `'--as-of <time|id>' argument 'now' is invalid. "now" is not a time`],
    ['bars --interval 5', "'--interval <length>' argument '5' is invalid. Expected a number and s, m, h or d, as 5m"],
    ['symbols --symbol ,', "'--symbol <symbol>' argument ',' is invalid. Expected a symbol"],
    ['quotes --fields price', "'--fields <names>' argument 'price' is invalid. price is no field of quotes"],
    ['gaps --type bars', "'--type <type>' argument 'bars' is invalid. Allowed choices are trades, quotes"],
    [
      'snapshots --table orders',
      "'--table <name>' argument 'orders' is invalid. Allowed choices are market_data.trades",
    ],
    ['maintain tidy', "value 'tidy' is invalid for argument 'tasks'. Allowed choices are retention"],
    ['up --port http', '--port is "http": expected an integer from 0 to 65535'],
    ['stats --url localhost', "'--url <url>' argument 'localhost' is invalid. Expected the address of a server"],
    ['verify asc', "unknown source 'asc': expected asx, or none"],
  ])('k2 %s', async (line, message) => {
    expect(await refused(line.split(' '))).toContain(message);
  });
});

describe('a command that there is not', () => {
  it.each([
    ['tradez', "unknown command 'tradez' (Did you mean trades?); see `k2 --help`"],
    ['help tradez', "unknown command 'tradez' (Did you mean trades?); see `k2 --help`"],
    ['load asc', "unknown command 'asc' (Did you mean asx?); see `k2 load --help`"],
    ['load', 'a command is missing, one of asx; see `k2 load --help`'],
    ['schema', 'a command is missing, one of check; see `k2 schema --help`'],
  ])('k2 %s', async (line, message) => {
    expect(await refused(line.split(' '))).toBe(message);
  });

  it('k2 alone is asked what there is', async () => {
    expect(await runCli([])).toEqual(await runCli(['--help']));
  });
});
