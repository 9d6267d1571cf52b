import { existsSync } from 'node:fs';
import { readHolder } from '@k2/composition/holder';
import type { SessionPurpose } from '../context.ts';
import { CliError, EXIT } from '../exit-codes.ts';
import { HttpSession } from './http-session.ts';
import type { K2Session } from './session.ts';

/** The server of the data directory where there is one; otherwise the directory itself. */
export async function openSession(
  dataDir: string,
  purpose: SessionPurpose,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<K2Session> {
  const holder = await readHolder(dataDir);
  if (holder !== null && holder.url !== null) return new HttpSession(holder.url, signal);
  if (purpose === 'load' && holder !== null) {
    const who =
      holder.pid === null ? 'another process' : `process ${holder.pid} (${holder.command ?? 'unknown command'})`;
    throw new CliError(
      `${dataDir} is in use by ${who}: wait until it ends, or choose another --data`,
      EXIT.unreachable,
    );
  }
  if (purpose === 'ask' && !existsSync(dataDir)) {
    const next = 'start one with `k2 up`, fill one with `k2 load`, or name another with --data';
    throw new CliError(`there is no data directory ${dataDir}: ${next}`, EXIT.unreachable);
  }
  // The adapters are loaded where they are needed: not to print help, and not to talk to a server.
  const { openDirectory } = await import('./open-directory.ts');
  return openDirectory(dataDir, purpose, env, signal);
}
