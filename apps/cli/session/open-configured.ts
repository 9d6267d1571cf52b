import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { chooseAdapters, keepsInDirectory } from '@k2/composition/adapter-choice';
import { readHolder, type DirectoryHolder } from '@k2/composition/holder';
import { readSettings } from '@k2/composition/settings';
import type { SessionPurpose } from '../context.ts';
import { CliError, EXIT } from '../exit-codes.ts';
import { HttpSession } from './http-session.ts';
import type { K2Session } from './session.ts';

/**
 * The server that serves the data directory; otherwise what the environment says the ticks are kept in: the directory
 * itself, or Kafka, PostgreSQL and S3.
 */
export async function openConfigured(
  data: string,
  purpose: SessionPurpose,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<K2Session> {
  if (keepsInDirectory(chooseAdapters(readSettings({ data }, env)))) {
    const holder = await servingHolder(data, signal);
    if (holder !== null && holder.url !== null && purpose !== 'maintain') return new HttpSession(holder.url, signal);
    if (purpose === 'load' && holder !== null) {
      const who =
        holder.pid === null ? 'another process' : `process ${holder.pid} (${holder.command ?? 'unknown command'})`;
      throw new CliError(`${data} is in use by ${who}: wait until it ends, or choose another --data`, EXIT.unreachable);
    }
    if (purpose !== 'load' && !existsSync(data)) {
      const next = 'start one with `k2 up`, fill one with `k2 load`, or name another with --data';
      throw new CliError(`there is no data directory ${data}: ${next}`, EXIT.unreachable);
    }
  }
  // The adapters are loaded where they are needed: not to print help, and not to talk to a server.
  const { openDirectory } = await import('./open-directory.ts');
  return openDirectory(data, purpose, env, signal);
}

/** Who holds the directory, once it listens if it is a server that starts. Throws when that takes too long. */
async function servingHolder(data: string, signal: AbortSignal): Promise<DirectoryHolder | null> {
  for (let waitedMs = 0; ; waitedMs += START_LOOK_MS) {
    const holder = await readHolder(data);
    if (holder === null || holder.url !== null || !/^k2 up\b/.test(holder.command ?? '')) return holder;
    if (waitedMs >= START_WAIT_MS_MAX) {
      const who = `the server of ${data}, process ${holder.pid}`;
      throw new CliError(`${who}, is still starting: try again when it says that it is up`, EXIT.unreachable);
    }
    await sleep(START_LOOK_MS, undefined, { signal });
  }
}

const START_LOOK_MS = 100;
const START_WAIT_MS_MAX = 15_000;
