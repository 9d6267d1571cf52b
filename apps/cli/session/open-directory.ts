import { openPlatform } from '@k2/composition';
import { readSettings } from '@k2/composition/settings';
import type { SessionPurpose } from '../context.ts';
import { DirectorySession } from './directory-session.ts';

/** Opens what the environment says the ticks are kept in, in this process. Throws PortError as `openPlatform` does. */
export async function openDirectory(
  dataDir: string,
  purpose: SessionPurpose,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<DirectorySession> {
  const flags = { data: dataDir, feed: 'none', role: purpose === 'load' ? 'sink' : 'api' };
  const settings = readSettings({ logLevel: 'error', ...flags }, env);
  const access = purpose === 'load' ? 'write' : 'read';
  const opened = await openPlatform(settings, { access, command: `k2 ${purpose}` });
  if (access === 'write') opened.platform.start();
  return new DirectorySession(opened, settings, signal);
}
