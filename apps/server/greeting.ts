import { resolve } from 'node:path';
import type { Settings } from '@k2/composition';
import { isLoopback } from './http/host-check.ts';
import { VERSIONS } from './operations/versions.ts';

/** What a server that has started says to a person: where everything is. */
export function greeting({ role, storage, data, feeds, host }: Settings, url: string): string {
  const kept = storage === 'memory' ? 'in memory: gone when the server stops' : resolve(data);
  const running = role.includes('ingest') && feeds.length > 0 ? feeds.join(', ') : 'none';
  const api = [`  API      ${url}/v1`, `  docs     ${url}/docs`, `  OpenAPI  ${url}/openapi.json`];
  const open = `  WARNING  it listens on ${host}, and asks nobody who they are: all who reach it can ask it anything`;
  return [
    `K2 ${VERSIONS.k2} is up: ${role.join(', ')}`,
    ...(role.includes('api') ? api : [`  health   ${url}/health/ready`]),
    `  data     ${kept}`,
    `  feeds    ${running}`,
    ...(isLoopback(host) ? [] : [open]),
    'Ctrl-C stops it; what was received is committed first.',
    '',
  ].join('\n');
}
