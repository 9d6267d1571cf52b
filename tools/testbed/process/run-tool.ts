import { spawn } from 'node:child_process';
import type { Command } from './local-process.ts';

const shownLines = 15;
const keptBytesMax = 64 * 1024;

/** Runs a program to its end; what it printed is shown only when it fails. Returns its output. */
export async function runTool(
  what: string,
  file: string,
  args: readonly string[],
  options: Partial<Pick<Command, 'env' | 'directory' | 'user'>> & { readonly input?: string } = {},
): Promise<string> {
  const child = spawn(file, args, {
    env: { ...process.env, ...options.env },
    ...(options.directory !== undefined && { cwd: options.directory }),
    ...options.user,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const stopWithUs = () => child.kill();
  process.once('exit', stopWithUs);
  let output = '';
  const keep = (text: string) => (output = (output + text).slice(-keptBytesMax));
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  // It need not read what it is given.
  child.stdin.on('error', () => {}).end(options.input);
  try {
    const end = await new Promise<string | number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(signal ?? (code as number)));
    });
    if (end === 0) return output;
    throw new Error(`${file} ended with ${end}:\n${lastLines(output)}`);
  } catch (cause) {
    throw new Error(`${what} failed: ${(cause as Error).message}`, { cause });
  } finally {
    process.off('exit', stopWithUs);
  }
}

function lastLines(output: string): string {
  return output.trimEnd().split('\n').slice(-shownLines).join('\n');
}
