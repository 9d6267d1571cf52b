import { CommanderError } from 'commander';
import { isPortError } from '@k2/ports/port-error';
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
    await program.parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' });
    return program.exitCode;
  } catch (error) {
    // Looked for by hand: what could not be parsed may stand before it.
    return await tell(error, context, args.includes('--json'));
  }
}

async function tell(error: unknown, { stderr, signal, env }: CliContext, asJson: boolean): Promise<number> {
  // Help was asked for and has been printed.
  if (error instanceof CommanderError) return EXIT.ok;
  if (error instanceof OutputClosedError) return EXIT.ok;
  const isInterrupted = signal.aborted && !(error instanceof CliError);
  const message = isInterrupted ? 'interrupted' : error instanceof Error ? error.message : String(error);
  const exitCode = isInterrupted ? EXIT.interrupted : exitCodeOf(error);
  const trace = env['K2_DEBUG'] === '1' && error instanceof Error ? traceOf(error) : undefined;
  const line = asJson
    ? JSON.stringify({ error: message, exitCode, trace })
    : `k2: ${message}${trace === undefined ? '' : `\n${trace}`}`;
  await stderr.line(line).catch(() => undefined);
  return exitCode;
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
