import pg from 'pg';
import type { Site } from '../provider.ts';
import { askTimeoutMs, type Server } from '../server.ts';

/** A superuser without a password, and a database. */
export const database = { user: 'k2', name: 'k2' };

export const postgresServer: Server = {
  listeners: ['sql'],
  startTimeoutMs: 60_000,
  endpoints: (site) => ({ postgres: { url: url(site) } }),
  async ask(site) {
    const client = new pg.Client({
      connectionString: url(site),
      connectionTimeoutMillis: askTimeoutMs,
      query_timeout: askTimeoutMs,
    });
    // A server that dies while the question is open says so here too.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
    } finally {
      await client.end();
    }
  },
};

function url(site: Site): string {
  return `postgres://${database.user}@127.0.0.1:${site.ports['sql']}/${database.name}`;
}
