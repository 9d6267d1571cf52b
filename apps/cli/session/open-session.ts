import type { SessionPurpose, SessionTarget } from '../context.ts';
import { HttpSession } from './http-session.ts';
import type { K2Session } from './session.ts';

/** The server that is named; otherwise what the data directory and the environment say. */
export async function openSession(
  { data, url }: SessionTarget,
  purpose: SessionPurpose,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<K2Session> {
  if (url !== undefined) return new HttpSession(url, signal);
  const { openConfigured } = await import('./open-configured.ts');
  return openConfigured(data, purpose, env, signal);
}
