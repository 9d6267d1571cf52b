import { parseArgs } from 'node:util';
import {
  catalog,
  serviceNamed,
  serviceNames,
  specServiceNames,
  type TestbedServiceName,
  usualServiceNames,
} from './service-names.ts';

export type ServicesCommand =
  | { readonly command: 'help' }
  | { readonly command: 'up'; readonly names: readonly TestbedServiceName[] }
  | { readonly command: 'down' }
  | { readonly command: 'env' }
  | { readonly command: 'status'; readonly json: boolean };

/** Wrong use of the command line: shown without a stack. */
export class UsageError extends Error {}

/** What `npm run services -- …` asks for. */
export function servicesCommand(args: readonly string[]): ServicesCommand {
  const { values, positionals } = parsed(args);
  const [command, ...names] = positionals;
  if (values.help === true || command === undefined || command === 'help') return { command: 'help' };
  if (values.json === true && command !== 'status') throw new UsageError('--json is an option of "status"');
  if (command === 'up') return { command, names: namesOrUsual(names) };
  if (names.length > 0) throw new UsageError(`"${command}" takes no names: it is about all that "up" started`);
  if (command === 'down' || command === 'env') return { command };
  if (command === 'status') return { command, json: values.json === true };
  throw new UsageError(`no command "${command}"; there are: up, down, status, env`);
}

/** What `npm run test:services -- …` asks for: `--services a,b` is ours, all else goes to Nx. */
export function testServicesCommand(args: readonly string[]): {
  readonly names: readonly TestbedServiceName[];
  readonly nxArgs: readonly string[];
} {
  const nxArgs = [...args];
  const at = nxArgs.findIndex((arg) => arg === '--services' || arg.startsWith('--services='));
  if (at === -1) return { names: specServiceNames, nxArgs };
  const [option, value] = nxArgs.splice(at, nxArgs[at].includes('=') ? 1 : 2);
  const list = option.includes('=') ? option.slice(option.indexOf('=') + 1) : (value ?? '');
  const names = list.split(',').filter((name) => name !== '');
  if (names.length === 0) throw new UsageError('--services wants names: --services kafka,redis');
  return { names: namesOrUsual(names), nxArgs };
}

export const servicesHelp = `Real servers for tests and for trying things out, on 127.0.0.1 only.

  npm run services up [names…]         start those that do not run, in the background
  npm run services down                stop them and delete their data
  npm run services status [-- --json]  ask each of them
  npm run --silent services env        K2's settings for them, as lines for a shell

Names: ${serviceNames.map((name) => (catalog[name].optional ? `${name} (only when named)` : name)).join(', ')}.
Specs find the endpoints in tmp/testbed/services.json. Downloads are kept in ~/.cache/k2-testbed (K2_TESTBED_CACHE).
`;

function namesOrUsual(names: readonly string[]): readonly TestbedServiceName[] {
  if (names.length === 0) return usualServiceNames;
  try {
    return [...new Set(names.map(serviceNamed))];
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' } },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
