import { openPlatform, readSettings, type OpenPlatform } from '@k2/composition';
import type { QueryEngine, TickStore } from '@k2/ports';

/** The embedded lake in a directory, without feeds and without a server. */
export async function openLake(
  data: string,
): Promise<{ readonly store: TickStore; readonly engine: QueryEngine; close(): Promise<void> }> {
  const opened = await openBench(data, 'none', 'sink');
  const { store, engine } = opened.platform.ports;
  return { store, engine, close: () => opened.close() };
}

export async function openBench(data: string, feed: string, role: string): Promise<OpenPlatform> {
  const settings = readSettings({ data, feeds: feed, role, logLevel: 'error' }, process.env);
  return openPlatform(settings, { access: 'write', command: 'npm run bench' });
}
