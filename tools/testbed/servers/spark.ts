import type { Site } from '../provider.ts';
import { askTimeoutMs, type Server } from '../server.ts';
import { sparkQuery } from '../sql/spark-client.ts';

export const sparkServer: Server = {
  listeners: ['http'],
  startTimeoutMs: 180_000,
  endpoints: (site) => ({ spark: { url: url(site) } }),
  async ask(site) {
    await sparkQuery(url(site), 'SELECT 1', askTimeoutMs);
  },
};

function url(site: Site): string {
  return `http://127.0.0.1:${site.ports['http']}`;
}
