import pg from 'pg';
import { PortError } from '@k2/ports';

/** What ended without effect because of others' work at the same time: the very same transaction may be run again. */
const CONCURRENCY = new Set(['40001', '40P01']);

/** Conditions that pass by themselves: lost connections, no resources, an operator's or a time limit's intervention. */
const PASSING_CLASSES = new Set(['08', '53', '55', '57', '58']);
const PASSING = new Set([...CONCURRENCY, '25006', '25P03', '25P04']);

const ADVICE: Readonly<Record<string, string>> = {
  '25P03': 'the transaction was left idle: try again',
  '28000': 'check pg_hba.conf, the user and sslmode',
  '28P01': 'check the user and the password in the URL',
  '3D000': 'create the database',
  '42P01': 'restore the table, or point the URL at the schema that has it',
  '42501': 'grant the privilege to the user of the URL',
  '53300': 'raise max_connections of the server, or lower the size of the pool',
  '57014': 'it took longer than a statement may, most likely waiting for a lock: try again',
};

const UNFIT_VALUE = 'the call holds a value that the catalog cannot hold';
const NEEDS_CHANGE = 'this needs a change, at the server or in the URL';

/** Settings of TLS and authentication that do not fit the server's; Node and pg name them by code or text only. */
const MISCONFIGURED_CODE = /CERT|SIGNATURE|SELF_SIGNED|UNABLE_TO_VERIFY|^ERR_TLS|^ERR_SSL|^ERR_OSSL/;
const MISCONFIGURED_TEXT = /^SASL|does not support SSL/;

export function wasEndedByConcurrency(error: unknown): boolean {
  return error instanceof pg.DatabaseError && CONCURRENCY.has(error.code ?? '');
}

/** Nothing was done. Takes any error of the driver; keeps a PortError as it is. */
export function unavailable(server: string, error: unknown): PortError {
  if (error instanceof PortError) return error;
  const { message, code = '' } = error as Error & { code?: string };
  const isServers = error instanceof pg.DatabaseError;
  const retryable = isServers
    ? PASSING_CLASSES.has(code.slice(0, 2)) || PASSING.has(code)
    : !MISCONFIGURED_CODE.test(code) && !MISCONFIGURED_TEXT.test(message);
  const advice = ADVICE[code] ?? (retryable ? 'try again' : code.startsWith('22') ? UNFIT_VALUE : NEEDS_CHANGE);
  // A refused connection to a name of several addresses has an empty message.
  const found = `${message || code}${isServers ? ` (SQLSTATE ${code})` : ''}`;
  return new PortError(
    'unavailable',
    `PostgreSQL ${server}: ${found}: ${advice}`,
    { server, ...(isServers ? { sqlState: code } : { code }) },
    { retryable, cause: error },
  );
}
