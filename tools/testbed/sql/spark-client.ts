import type { SqlRows } from './sql-rows.ts';

const queryTimeoutMs = 120_000;

/** Runs one statement on the testbed's Spark; decimals, timestamps (UTC) and bytes (hexadecimal) come as text. */
export async function sparkQuery(url: string, sql: string, timeoutMs = queryTimeoutMs): Promise<SqlRows> {
  const response = await fetch(url, { method: 'POST', body: sql, signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`Spark refused ${sql}: ${await response.text()}`);
  return (await response.json()) as SqlRows;
}
