import { parseTimeUs, type RecordType } from '@k2/domain/market';
import { collectRows, type JsonRow, type K2Session } from '../session/session.ts';
import { AMOUNTS, readAmount } from './asx-rows.ts';
import type { RefusedLines } from './asx-files.ts';
import { Tallies } from './tally.ts';

type Lake = Pick<K2Session, 'query'>;

const ROWS_MAX = 999_999;

/** What the lake holds of ASX, by symbol and session (a Sydney date), refused ticks that lost their line included. */
export async function lakeTallies(lake: Lake, recordType: RecordType): Promise<Tallies> {
  const tallies = new Tallies(recordType);
  const sums = AMOUNTS[recordType].map((column) => `sum(${column})::varchar as ${column}`);
  const sql = `select symbol, session, count(*) as n, ${sums.join(', ')}, min(timestamp) as first, max(timestamp) as last
    from ${recordType} where exchange = 'ASX' group by symbol, session`;
  for (const row of await collectRows(await lake.query(sql, ROWS_MAX))) {
    tallies.add(String(row['symbol']), String(row['session']), {
      rows: Number(row['n']),
      sums: AMOUNTS[recordType].map((column) => readAmount(String(row[column]))!),
      first: sydneyTime(row['first']),
      last: sydneyTime(row['last']),
    });
  }
  return tallies;
}

/** Ticks that were numbered and then refused as impossible: they have no line any more, but all their values. */
export async function refusedTallies(lake: Lake, recordType: RecordType): Promise<Tallies> {
  const tallies = new Tallies(recordType);
  const sql = `select decode(raw) as tick from quarantine
    where exchange = 'ASX' and source = 'log' and record_type = '${recordType}'`;
  for (const row of await collectRows(await lake.query(sql, ROWS_MAX))) {
    const tick = JSON.parse(String(row['tick'])) as JsonRow;
    const time = sydneyTime(tick['timestamp']);
    tallies.add(String(tick['symbol']), String(tick['session']), {
      rows: 1,
      sums: AMOUNTS[recordType].map((column) => readAmount(String(tick[column]))!),
      first: time,
      last: time,
    });
  }
  return tallies;
}

/** What was refused of each file. */
export async function quarantinedLines(lake: Lake): Promise<ReadonlyMap<string, RefusedLines>> {
  const byFile = new Map<string, Map<number, Map<string, string>>>();
  const sql = `select source, position, raw, reason from quarantine where exchange = 'ASX' and source like 'asx:%'`;
  for (const { source, position, raw, reason } of await collectRows(await lake.query(sql, ROWS_MAX))) {
    const file = String(source).slice('asx:'.length);
    const lines = byFile.get(file) ?? new Map<number, Map<string, string>>();
    byFile.set(file, lines);
    const known = lines.get(Number(position)) ?? new Map<string, string>();
    lines.set(Number(position), known.set(String(raw), String(reason)));
  }
  return byFile;
}

const SYDNEY = new Intl.DateTimeFormat('en-AU', {
  timeZone: 'Australia/Sydney',
  hourCycle: 'h23',
  ...{ year: 'numeric', month: '2-digit', day: '2-digit' },
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 },
});

/** From UTC to local, where every instant has one answer; the files were read the other way round. */
export function sydneyTime(utc: unknown): string {
  const part = new Map(SYDNEY.formatToParts(parseTimeUs(String(utc)) / 1_000).map(({ type, value }) => [type, value]));
  const [date, time] = [['year', 'month', 'day'] as const, ['hour', 'minute', 'second'] as const].map((names) =>
    names.map((name) => part.get(name)!),
  );
  return `${date!.join('-')} ${time!.join(':')}.${part.get('fractionalSecond')!}`;
}
