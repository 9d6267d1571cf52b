import { CommanderError } from 'commander';
import { isPortError } from '@k2/ports';
import { SettingError } from '@k2/composition/settings';
import type { CliContext } from './context.ts';
import { CliError, EXIT } from './exit-codes.ts';
import { OutputClosedError } from './output/output.ts';
import { createProgram } from './program.ts';

/** Kinds of PortError that tell of the data directory or the server, not of what was asked. */
const UNREACHABLE_KINDS = ['directory-locked', 'unavailable', 'overloaded'];

/** Runs one command line; resolves with the exit code, and says on stderr what went wrong. */
export async function run(args: readonly string[], context: CliContext): Promise<number> {
  try {
    const program = createProgram(context);
    await program.parseAsync(args, { from: 'user' });
    return program.exitCode;
  } catch (error) {
    return await tell(error, context);
  }
}

async function tell(error: unknown, { stderr, signal, env }: CliContext): Promise<number> {
  // Commander has printed its help or its complaint already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof OutputClosedError) return EXIT.ok;
  const isInterrupted = signal.aborted && !(error instanceof CliError);
  const message = isInterrupted ? 'interrupted' : error instanceof Error ? error.message : String(error);
  const trace = env['K2_DEBUG'] === '1' && error instanceof Error ? `\n${traceOf(error)}` : '';
  await stderr.line(`k2: ${message}${trace}`).catch(() => undefined);
  return isInterrupted ? EXIT.interrupted : exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof SettingError) return EXIT.usage;
  if (isPortError(error, ...UNREACHABLE_KINDS)) return EXIT.unreachable;
  return EXIT.failed;
}

function traceOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${traceOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
