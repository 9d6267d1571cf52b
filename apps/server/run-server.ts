import { SettingError, within, type Settings } from '@k2/composition';
import { isPortError } from '@k2/ports';
import { EXIT } from './exit-codes.ts';
import { helpText, readCommandLine } from './flags.ts';
import { Server } from './server.ts';

/** A stop that keeps to its settings ends before this has gone by as well. */
const STOP_SLACK_MS = 1_000;

export interface ServerEnd {
  readonly code: number;
  /** Something did not end: waiting for the process's threads could take for ever. */
  readonly isStuck: boolean;
}

/** Runs one server, from its command line until it is asked to stop, or fails. Says on stderr what went wrong. */
export async function runServer(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  asked: Promise<null>,
): Promise<ServerEnd> {
  let settings: Settings | 'help';
  try {
    settings = readCommandLine(args, env);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    return refuse(EXIT.misconfigured, `${error.message}. --help lists the settings.`);
  }
  if (settings === 'help') {
    process.stdout.write(helpText());
    return { code: EXIT.stopped, isStuck: false };
  }
  const bug = uncaught();
  let server: Server | Error | null;
  try {
    server = await Promise.race([asked, bug, Server.start(settings, ['k2', 'up', ...args].join(' '))]);
  } catch (error) {
    return startFailed(error, settings);
  }
  // Nothing was received yet. What was opened ends with the process, and the next start clears its files away.
  if (server === null) return { code: EXIT.stopped, isStuck: true };
  if (server instanceof Error) return startFailed(server, settings, true);
  process.stdout.write(server.greeting);
  const failure = await Promise.race([asked, server.failure(), bug]);
  return stop(server, settings, failure);
}

async function stop(server: Server, settings: Settings, failure: Error | null): Promise<ServerEnd> {
  const resumes = 'The next start goes on from what was committed.';
  const timeoutMs = settings.drainTimeoutMs + settings.closeTimeoutMs + STOP_SLACK_MS;
  try {
    await within(server.scheduler, timeoutMs, () => server.stop());
  } catch (error) {
    return refuse(EXIT.failed, `K2 could not stop cleanly: ${(error as Error).message}. ${resumes}`, true);
  }
  return failure === null ? { code: EXIT.stopped, isStuck: false } : refuse(EXIT.failed, failure.message);
}

/** A bug: what was received is still committed, then the process ends. */
function uncaught(): Promise<Error> {
  return new Promise((resolve) => {
    const report = (error: unknown) => resolve(error instanceof Error ? error : new Error(String(error)));
    process.on('uncaughtException', report);
    process.on('unhandledRejection', report);
  });
}

function startFailed(error: unknown, { host, port }: Settings, isStuck = false): ServerEnd {
  if (isPortError(error, 'directory-locked')) return refuse(EXIT.locked, error.message, isStuck);
  if (isPortError(error, 'misconfigured')) return refuse(EXIT.misconfigured, error.message, isStuck);
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return refuse(
        EXIT.failed,
        `port ${port} of ${host} is taken: stop what listens there or choose another with --port`,
      );
    case 'EACCES':
      return refuse(EXIT.failed, `port ${port} of ${host} may not be listened on: choose one above 1023 with --port`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return refuse(EXIT.misconfigured, `${host} is no address of this machine: choose another with --host`);
    default:
      return refuse(EXIT.failed, `K2 could not start: ${message}`, isStuck);
  }
}

function refuse(code: number, message: string, isStuck = false): ServerEnd {
  process.stderr.write(`k2: ${message}\n`);
  return { code, isStuck };
}
