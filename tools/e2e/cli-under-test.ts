import { BuiltProcess, type Ended } from './built-process.ts';

const PROGRAM = 'apps/cli/dist/main.js';
const COMMAND_TIMEOUT_MS = 60_000;

/** Runs one `k2` command on a data directory to its end. */
export function k2(data: string, ...args: readonly string[]): Promise<Ended> {
  return new BuiltProcess(PROGRAM, [...args, '--data', data], { K2_FLUSH_INTERVAL_MS: '100' }).endWithin(
    COMMAND_TIMEOUT_MS,
  );
}

/** With `--json`: what it printed, one value a line. Throws where it did not end with 0. */
export async function k2Json<Row>(data: string, ...args: readonly string[]): Promise<readonly Row[]> {
  const { code, stdout, stderr } = await k2(data, ...args, '--json');
  if (code !== 0) throw new Error(`k2 ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

/** Last line of `k2 load --json`. */
export interface LoadSummary {
  readonly rows: number;
  readonly committed: boolean;
  readonly kept: { readonly trades: number; readonly quotes: number };
  readonly duplicates: number;
  readonly quarantined: number;
  readonly refusals: readonly { readonly reason: string; readonly count: number; readonly places: readonly string[] }[];
}
