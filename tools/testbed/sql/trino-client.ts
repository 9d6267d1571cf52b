import { SystemClock, SystemRandom, SystemScheduler } from '@k2/adapter-system';
import { TrinoClient } from '@k2/adapter-trino';
import type { SqlRows } from './sql-rows.ts';

const queryTimeoutMs = 120_000;
const clock = new SystemClock();
const ports = { clock, random: new SystemRandom(clock), scheduler: new SystemScheduler() };

/** Runs one statement on Trino and reads all its rows; decimals and timestamps come as Trino prints them. */
export async function trinoQuery(url: string, sql: string, timeoutMs = queryTimeoutMs): Promise<SqlRows> {
  // Who asks whether it answers yet asks again anyway.
  const client = new TrinoClient({ ...ports, url, user: 'k2', source: 'k2-testbed', config: { retryForMs: 0 } });
  let columns: readonly string[] = [];
  const rows: (readonly unknown[])[] = [];
  try {
    for await (const page of client.pages(sql, { signal: AbortSignal.timeout(timeoutMs) })) {
      columns = page.columns.map(({ name }) => name);
      rows.push(...page.rows);
    }
  } catch (cause) {
    throw new Error(`Trino refused ${sql}: ${(cause as Error).message}`, { cause });
  }
  return { columns, rows };
}
