import type { SqlRows } from './sql-rows.ts';

interface TrinoPage {
  readonly nextUri?: string;
  readonly columns?: readonly { readonly name: string }[];
  readonly data?: readonly (readonly unknown[])[];
  readonly error?: { readonly message: string };
}

const queryTimeoutMs = 120_000;

/** Runs one statement on Trino and reads all its rows; decimals and timestamps come as Trino prints them. */
export async function trinoQuery(url: string, sql: string, timeoutMs = queryTimeoutMs): Promise<SqlRows> {
  const signal = AbortSignal.timeout(timeoutMs);
  const headers = { 'X-Trino-User': 'k2', 'X-Trino-Time-Zone': 'UTC' };
  let columns: readonly string[] = [];
  const rows: (readonly unknown[])[] = [];
  let next: Response | undefined = await fetch(`${url}/v1/statement`, { method: 'POST', headers, body: sql, signal });
  while (next !== undefined) {
    if (!next.ok) throw new Error(`Trino answered ${next.status} to ${sql}: ${await next.text()}`);
    const page = (await next.json()) as TrinoPage;
    if (page.error !== undefined) throw new Error(`Trino refused ${sql}: ${page.error.message}`);
    if (page.columns !== undefined) columns = page.columns.map(({ name }) => name);
    rows.push(...(page.data ?? []));
    next = page.nextUri === undefined ? undefined : await fetch(page.nextUri, { headers, signal });
  }
  return { columns, rows };
}
