import type { Site } from '../provider.ts';
import { askTimeoutMs, type Server } from '../server.ts';
import { trinoQuery } from '../sql/trino-client.ts';

export const trinoServer: Server = {
  listeners: ['http'],
  startTimeoutMs: 180_000,
  endpoints: (site) => ({ trino: { url: url(site) } }),
  async ask(site) {
    await trinoQuery(url(site), 'SELECT 1', askTimeoutMs);
  },
};

function url(site: Site): string {
  return `http://127.0.0.1:${site.ports['http']}`;
}
