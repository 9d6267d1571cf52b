import { setFlagsFromString } from 'node:v8';
import { SettingError, type Settings } from '@k2/composition';
import { isPortError } from '@k2/ports';
import { helpText, readCommandLine } from './flags.ts';
import { Server } from './server.ts';

/** 0: stopped as asked. 1: failed. 2: a wrong setting. 3: another process holds the data directory. 130: cut short. */
const EXIT = { stopped: 0, failed: 1, misconfigured: 2, locked: 3, cutShort: 130 } as const;

// Columns are memory outside V8's heap, and hundreds of MB of them pass through each second: by its default V8 goes through
// the whole heap each time some 64 MB have come, whatever the heap is. So it does when heap and columns have grown together.
setFlagsFromString('--external-memory-accounted-in-global-limit');

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  let settings: Settings | 'help';
  try {
    settings = readCommandLine(args, process.env);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    return refuse(EXIT.misconfigured, `${error.message}. --help lists the settings.`);
  }
  if (settings === 'help') {
    process.stdout.write(helpText());
    return EXIT.stopped;
  }
  const asked = signalled();
  const bug = uncaught();
  let server: Server;
  try {
    server = await Server.start(settings, ['k2', 'up', ...args].join(' '));
  } catch (error) {
    return startFailed(error, settings);
  }
  process.stdout.write(server.greeting);
  const failure = await Promise.race([asked, server.failure(), bug]);
  try {
    await server.stop();
  } catch (error) {
    return refuse(
      EXIT.failed,
      `K2 could not stop cleanly: ${String(error)}. The next start goes on from what was committed.`,
    );
  }
  return failure === null ? EXIT.stopped : refuse(EXIT.failed, failure.message);
}

/** Resolves at the first SIGINT or SIGTERM; the second ends the process at once. */
function signalled(): Promise<null> {
  return new Promise((resolve) => {
    let isAsked = false;
    const ask = () => {
      if (isAsked) process.exit(EXIT.cutShort);
      isAsked = true;
      resolve(null);
    };
    process.on('SIGINT', ask);
    process.on('SIGTERM', ask);
  });
}

/** A bug: what was received is still committed, then the process ends. */
function uncaught(): Promise<Error> {
  return new Promise((resolve) => {
    const report = (error: unknown) => resolve(error instanceof Error ? error : new Error(String(error)));
    process.on('uncaughtException', report);
    process.on('unhandledRejection', report);
  });
}

function startFailed(error: unknown, { host, port }: Settings): number {
  if (isPortError(error, 'directory-locked')) return refuse(EXIT.locked, error.message);
  if (isPortError(error, 'misconfigured')) return refuse(EXIT.misconfigured, error.message);
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
      return refuse(EXIT.failed, `K2 could not start: ${message}`);
  }
}

function refuse(code: number, message: string): number {
  process.stderr.write(`k2: ${message}\n`);
  return code;
}
