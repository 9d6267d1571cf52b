import type { CliContext, GlobalOptions, SessionPurpose } from '../context.ts';
import type { K2Session } from '../session/session.ts';

/** Opens a session for one command and closes it, whatever happens. */
export async function withSession(
  context: CliContext,
  { data, url }: GlobalOptions,
  purpose: SessionPurpose,
  work: (session: K2Session) => Promise<void>,
): Promise<void> {
  const session = await context.openSession({ data, ...(url !== undefined && { url }) }, purpose);
  try {
    await work(session);
  } finally {
    await session.close();
  }
}
