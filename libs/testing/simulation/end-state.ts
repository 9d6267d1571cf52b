import { openGaps, type SequenceGapRecord } from '@k2/domain/lake';
import type { TableName } from '@k2/domain/market';
import type { TickStore } from '@k2/ports';
import type { SimulatedLog } from './simulated-log.ts';
import { nameOf, seriesKeyOf, tickIds, type SentTick, type SentTicks, type Tape } from './tape.ts';
import type { Witness } from './witness.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface EndState {
  readonly store: TickStore;
  readonly log: SimulatedLog;
  readonly witness: Witness;
  readonly sent: SentTicks;
  readonly tapes: readonly Tape[];
  /** A topic whose offsets mean nothing: what is in it is in no table. */
  readonly recreated: string | null;
  rows(table: TableName): Promise<readonly Row[]>;
}

/** Holds the tables of a world that has come to rest against what was sent. */
export async function checkEndState(end: EndState): Promise<void> {
  const { witness } = end;
  const trades = await end.rows('market_data.trades');
  const quotes = await end.rows('market_data.quotes');
  if (trades.length + quotes.length !== witness.stored.size)
    witness.violate(`the tables have ${trades.length + quotes.length} rows, ${witness.stored.size} were committed`);
  checkAcknowledged(end);
  checkLedger(end, (await end.rows('audit.sequence_gaps')).map(gapOf));
  for (const table of ['market_data.trades', 'market_data.quotes'] as const) await checkSnapshots(end, table);
}

/** What the log acknowledged is in it, and so in the tables or the quarantine: that was checked commit by commit. */
function checkAcknowledged({ log, tapes, witness, sent, recreated }: EndState): void {
  const inLog = new Set<number>();
  for (const records of log.records.values())
    for (const { tickIds: ids } of records) for (const id of ids) inLog.add(id);
  for (const tape of tapes) {
    for (const event of tape.acknowledgedEvents) {
      if (event.kind !== 'ticks') continue;
      for (const id of tickIds(event.batch)) {
        const tick = sent.tick(Number(id))!;
        if (!inLog.has(tick.id)) witness.violate(`${nameOf(tick)} was acknowledged and is not in the log`);
        const isKnown = [witness.stored, witness.refused, witness.unplaceable, witness.unread].some((of) =>
          of.has(tick.id),
        );
        if (!isKnown && tape.topic.name !== recreated)
          witness.violate(`${nameOf(tick)} was acknowledged and is in no table`);
      }
    }
  }
}

/** Numbers between a series' first and its last are in the tables or in the ledger, and in one of them only. */
function checkLedger({ witness, sent }: EndState, records: readonly SequenceGapRecord[]): void {
  const missing = new Set<string>();
  for (const gap of openGaps(records)) {
    for (let sequence = gap.sequenceFrom; sequence <= gap.sequenceTo; sequence++)
      missing.add(nameOf({ recordType: gap.recordType, series: { ...BARE, ...gap }, sequence }));
  }
  const seen = [...witness.stored, ...witness.refused].map((id) => sent.tick(id)!);
  for (const ticks of Map.groupBy(seen, seriesKeyOf).values()) {
    const stored = new Set(ticks.filter(({ id }) => witness.stored.has(id)).map(({ sequence }) => sequence));
    for (const sequence of span(ticks)) {
      const name = nameOf({ ...ticks[0], sequence });
      if (missing.delete(name)) {
        if (stored.has(sequence)) witness.violate(`${name} is in the gap ledger and in its table`);
      } else if (!stored.has(sequence)) witness.violate(`${name} is missing and not in the gap ledger`);
    }
  }
  for (const name of missing) witness.violate(`${name} is in the gap ledger, and nothing shows that it was sent`);
}

const BARE = { assetClass: 'equities', currency: '', sequenceOrigin: 'venue', firstSequence: null } as const;

function span(ticks: readonly SentTick[]): number[] {
  let from = ticks[0].series.firstSequence ?? Infinity;
  let to = -Infinity;
  for (const { sequence } of ticks) {
    from = Math.min(from, sequence);
    to = Math.max(to, sequence);
  }
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

async function checkSnapshots({ store, witness }: EndState, table: TableName): Promise<void> {
  const reached = new Map<string, number>();
  let committedUs = -Infinity;
  for (const snapshot of (await store.snapshots(table, 100_000)).toReversed()) {
    if (snapshot.committedUs <= committedUs) witness.violate(`snapshots of ${table} do not rise in time`);
    committedUs = snapshot.committedUs;
    for (const { topic, partition, nextOffset } of snapshot.progress) {
      const name = `${topic}/${partition}`;
      if (nextOffset < (reached.get(name) ?? 0))
        witness.violate(`offsets of ${name} go backwards at snapshot ${snapshot.snapshotId} of ${table}`);
      reached.set(name, nextOffset);
    }
  }
}

function gapOf(row: Row): SequenceGapRecord {
  return {
    recordType: row['record_type'] === 'quotes' ? 'quotes' : 'trades',
    exchange: String(row['exchange']),
    symbol: String(row['symbol']),
    session: String(row['session']),
    status: row['status'] === 'filled' ? 'filled' : 'open',
    sequenceFrom: Number(row['sequence_from']),
    sequenceTo: Number(row['sequence_to']),
    fromTimeUs: Number(row['timestamp_from']),
    toTimeUs: Number(row['timestamp_to']),
    detectedTimeUs: Number(row['detected_timestamp']),
    platformSequence: BigInt(row['platform_sequence'] as number | bigint),
  };
}
