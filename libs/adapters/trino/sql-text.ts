import { PortError } from '@k2/ports';

/** An identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string literal: Trino knows no escapes but the doubled quote, and takes every other character as it is. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function integerSql(value: number): string {
  return bigintSql(exact(value));
}

/** UTC µs as a constant of the tables' type: the nanoseconds of every exact number of µs fit a bigint. */
export function timeSql(timeUs: number): string {
  return `CAST(from_unixtime_nanos(${bigintSql(exact(timeUs) * 1_000n)}) AS timestamp(6) with time zone)`;
}

function bigintSql(value: bigint): string {
  return `BIGINT '${value}'`;
}

function exact(value: number): bigint {
  if (!Number.isSafeInteger(value)) throw new PortError('invalid-query', `${value} is not an exact integer`, { value });
  return BigInt(value);
}
