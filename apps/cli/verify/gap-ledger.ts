import { parseTimeUs, type RecordType } from '@k2/domain/market';
import { collectRows, type JsonRow, type K2Session } from '../session/session.ts';
import type { CheckResult } from './check-result.ts';
import { normalised, printRanges, within, without, type Range } from './ranges.ts';

type Lake = Pick<K2Session, 'query'>;

/** Ranges of one kind that one check can hold. */
const RANGES_MAX = 1_000_000;

class TooMany extends Error {}

/**
 * Compares the ledger with the numbers that are there: from the first number seen of a session to the last in the table,
 * what is not in the table, whether it never came or was refused, must be open in the ledger, and nothing else. A session
 * that began before retention dropped rows is compared from the first number on that is there still.
 */
export async function checkGapLedger(
  lake: Lake,
  type: RecordType,
  droppedUntilUs: (exchange: string) => number | null,
): Promise<CheckResult> {
  const result = (ok: boolean, detail: string): CheckResult => ({
    check: 'gap ledger = missing numbers',
    table: type,
    ok,
    detail,
  });
  let findings: Findings;
  try {
    findings = await read(lake, type, droppedUntilUs);
  } catch (error) {
    if (error instanceof TooMany) return result(false, `over ${RANGES_MAX} ranges: more than this check can compare`);
    throw error;
  }
  const wrong: string[] = [];
  let missing = 0;
  for (const [series, bounds] of findings.bounds) {
    const absent = findings.absent.get(series) ?? [];
    const ledger = without(findings.open.get(series) ?? [], findings.filled.get(series) ?? []);
    const unrecorded = without(absent, ledger);
    const unfounded = without(within(ledger, bounds), absent);
    if (unrecorded.length > 0) wrong.push(`${series}: ${printRanges(unrecorded)} missing and not in the ledger`);
    if (unfounded.length > 0) wrong.push(`${series}: ${printRanges(unfounded)} open in the ledger and there`);
    missing += ledger.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  }
  if (wrong.length > 0)
    return result(false, wrong.slice(0, 3).join('; ') + (wrong.length > 3 ? `; … ${wrong.length} in all` : ''));
  if (findings.bounds.size === 0) return result(true, 'no session to compare');
  return result(true, `${missing} missing ticks, as recorded`);
}

type BySeries = ReadonlyMap<string, readonly Range[]>;

interface Findings {
  /** Of each session: from the first number seen, or the first in the table, to the last in the table. */
  readonly bounds: ReadonlyMap<string, Range>;
  /** Holes in them. */
  readonly absent: BySeries;
  readonly open: BySeries;
  readonly filled: BySeries;
}

async function read(
  lake: Lake,
  type: RecordType,
  droppedUntilUs: (exchange: string) => number | null,
): Promise<Findings> {
  const series = 'exchange, symbol, session';
  const previous = `lag(source_sequence) over (partition by ${series} order by source_sequence)`;
  const rows = async (sql: string) => {
    const found = await collectRows(await lake.query(sql, RANGES_MAX));
    if (found.length === RANGES_MAX) throw new TooMany();
    return found;
  };
  const there = await rows(
    `select ${series}, min(source_sequence) as sequence_from, max(source_sequence) as sequence_to
     from ${type} group by ${series}`,
  );
  // The first tick seen need not be in the table: it may have been refused.
  const opened = await rows(
    `select ${series}, min(first_sequence) as sequence_from, min(first_sequence) as sequence_to, min(timestamp) as began
     from sessions where record_type = '${type}' group by ${series}`,
  );
  const holes = await rows(
    `select ${series}, previous + 1 as sequence_from, source_sequence - 1 as sequence_to
     from (select ${series}, source_sequence, ${previous} as previous from ${type})
     where source_sequence > previous + 1`,
  );
  const ledger = await rows(
    `select ${series}, status, sequence_from, sequence_to from sequence_gaps where record_type = '${type}'`,
  );
  const whole = opened.filter(({ exchange, began }) => {
    const untilUs = droppedUntilUs(String(exchange));
    return untilUs === null || parseTimeUs(String(began)) >= untilUs;
  });
  const inTable = bySeries(there);
  const between = bySeries(holes);
  const bounds = new Map<string, Range>();
  const absent = new Map<string, readonly Range[]>();
  for (const [key, ranges] of bySeries([...there, ...whole])) {
    const span = { from: ranges[0]!.from, to: ranges.at(-1)!.to };
    bounds.set(key, span);
    absent.set(key, normalised([...without([span], inTable.get(key) ?? []), ...(between.get(key) ?? [])]));
  }
  return {
    bounds,
    absent,
    open: bySeries(ledger.filter((row) => row['status'] === 'open')),
    filled: bySeries(ledger.filter((row) => row['status'] === 'filled')),
  };
}

function bySeries(rows: readonly JsonRow[]): BySeries {
  const ranges = new Map<string, Range[]>();
  for (const row of rows) {
    const series = seriesOf(row);
    const known = ranges.get(series);
    if (known === undefined) ranges.set(series, [rangeOf(row)]);
    else known.push(rangeOf(row));
  }
  return new Map([...ranges].map(([series, of]) => [series, normalised(of)]));
}

function seriesOf({ exchange, symbol, session }: JsonRow): string {
  return `${exchange}/${symbol}/${session}`;
}

function rangeOf(row: JsonRow): Range {
  return { from: Number(row['sequence_from']), to: Number(row['sequence_to']) };
}
