import type { Site } from '../provider.ts';
import { askTimeoutMs, type Server } from '../server.ts';

export const schemaRegistryServer: Server = {
  listeners: ['http'],
  startTimeoutMs: 90_000,
  endpoints: (site) => ({ schemaRegistry: { url: url(site) } }),
  async ask(site) {
    const response = await fetch(`${url(site)}/subjects`, { signal: AbortSignal.timeout(askTimeoutMs) });
    if (!response.ok || !Array.isArray(await response.json())) {
      throw new Error(`GET /subjects was answered with ${response.status}`);
    }
  },
};

/** The part of Apicurio that speaks Confluent's protocol. */
function url(site: Site): string {
  return `http://127.0.0.1:${site.ports['http']}/apis/ccompat/v7`;
}
