import { spawn } from 'node:child_process';

const shownLines = 40;
const keptCharsMax = 200_000;

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Ends the command. */
  readonly signal?: AbortSignal;
}

/** Runs a program to its end and returns what it printed to stdout; throws with all that it printed where it failed. */
export async function run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const child = spawn(file, args, {
    env: { ...process.env, ...options.env },
    ...(options.directory !== undefined && { cwd: options.directory }),
    ...(options.signal !== undefined && { signal: options.signal }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let all = '';
  const keep = (text: string) => (all = (all + text).slice(-keptCharsMax));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    keep(text);
  });
  child.stderr.setEncoding('utf8').on('data', keep);
  const end = await new Promise<string | number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal ?? (code as number)));
  });
  if (end === 0) return stdout;
  const last = all.trimEnd().split('\n').slice(-shownLines).join('\n');
  throw new Error(`${file} ${args.slice(0, 4).join(' ')} … ended with ${end}:\n${last}`);
}
