import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Clock } from '@k2/ports';

export const clock: Clock = { nowUs: () => Date.now() * 1_000, monotonicUs: () => performance.now() * 1_000 };

/** A database of a test's own on the testbed's server, and sessions in it that are not K2's. */
export class TestDatabase {
  readonly url: string;
  private readonly serverUrl: string;
  private readonly name: string;
  private readonly session: pg.Client;
  /** Within a transaction, pg_stat_activity shows what it showed first. */
  private readonly observer: pg.Client;

  static async create(server: { readonly url: string }, options = ''): Promise<TestDatabase> {
    const name = `k2_test_${randomUUID().replaceAll('-', '')}`;
    await onServer(server.url, `CREATE DATABASE ${name} TEMPLATE template0 ${options}`);
    const database = new TestDatabase(server.url, name);
    await Promise.all([database.session.connect(), database.observer.connect()]);
    return database;
  }

  private constructor(serverUrl: string, name: string) {
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    this.url = url.href;
    this.name = name;
    this.serverUrl = serverUrl;
    this.session = new pg.Client({ connectionString: this.url });
    this.observer = new pg.Client({ connectionString: this.url });
  }

  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.session.query<Row>(text, [...values])).rows;
  }

  /** Ends K2's sessions as an administrator or a restart of the server does. */
  async terminateSessions(): Promise<number> {
    const rows = await this.query<{ ended: boolean }>(
      `SELECT pg_terminate_backend(pid, 10000) AS ended FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'k2'`,
    );
    return rows.filter(({ ended }) => ended).length;
  }

  /** Until so many of K2's sessions wait for a lock. */
  async untilWaiting(sessions: number): Promise<void> {
    await this.until(
      `SELECT count(*) >= ${sessions} AS reached FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'k2' AND wait_event_type = 'Lock'`,
    );
  }

  /** Until the first row's column `reached` is true. */
  async until(text: string): Promise<void> {
    for (let asked = 0; asked < 1_000; asked++) {
      const [{ reached }] = (await this.observer.query<{ reached: boolean }>(text)).rows;
      if (reached) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`never true: ${text}`);
  }

  async drop(): Promise<void> {
    await Promise.all([this.session.end(), this.observer.end()]);
    await onServer(this.serverUrl, `DROP DATABASE ${this.name} WITH (FORCE)`);
  }
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
