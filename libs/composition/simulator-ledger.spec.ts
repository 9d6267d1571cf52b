import { cellAt, MemoryTelemetry, MemoryTickLog, MemoryTickStore, SeededRandom } from '@k2/adapter-memory';
import { SystemClock, SystemScheduler } from '@k2/adapter-system';
import { openGaps, type SequenceGapRecord } from '@k2/domain/lake';
import { RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import { parseSimulatorSpec, SimulatorFeed } from '@k2/feed-simulator';
import { RecordFeed, Sink, SINK_OPTIONS, untilCommitted } from '@k2/usecases';

const TICKS = 200_000;
const START = '2026-01-05T14:30:00Z';

type Row = Readonly<Record<string, unknown>>;

/** What the simulator injected against what K2 says of it. */
describe('the simulator’s ledger', () => {
  it.each([
    ['without faults', ''],
    ['with lost, late, repeated and swapped ticks', 'gaps=0.002,late=0.002,duplicates=0.002,reorder=0.002'],
    ['with bad prices and crossed quotes', 'badPrices=0.005,crossed=0.01'],
    ['with sessions that restart', 'resets=0.0002,gaps=0.001'],
    // Without lost ticks: numbers that restart beyond where they were can't be told from numbers that go on.
    ['with numbers that restart without a word', 'resets=0.00002,resetMode=unlabelled,duplicates=0.001'],
    [
      'with everything at once',
      'gaps=0.001,late=0.001,duplicates=0.001,reorder=0.001,badPrices=0.001,crossed=0.001,resets=0.0001',
    ],
  ])('is what the tables, the quarantine and the gap ledger say, %s', async (_, faults) => {
    const { ledger, rows, counts } = await carry(`simulator:ticks=${TICKS},rate=max,start=${START},${faults}`);
    const [trades, quotes, quarantine, gaps] = await Promise.all(
      (['market_data.trades', 'market_data.quotes', 'audit.quarantine', 'audit.sequence_gaps'] as const).map(rows),
    );

    expect(trades.length + quotes.length + quarantine.length).toBe(ledger.distinctTicks);
    expect(new Set(trades.map(identity)).size + new Set(quotes.map(identity)).size).toBe(trades.length + quotes.length);
    expect(quarantine.length).toBe(ledger.count('bad-price'));
    expect(new Set(quarantine.map((row) => row['reason']))).toEqual(
      new Set(ledger.count('bad-price') > 0 ? ['price-not-positive'] : []),
    );
    expect(counts.duplicates).toBe(ledger.sentTicks - ledger.distinctTicks);

    const missing = openGaps(gaps.map(gapOf)).reduce((sum, gap) => sum + gap.sequenceTo - gap.sequenceFrom + 1, 0);
    expect(missing).toBe(provablyLost(ledger) + ledger.count('bad-price'));
  });
});

async function carry(spec: string) {
  const clock = new SystemClock();
  const scheduler = new SystemScheduler();
  const random = new SeededRandom(1);
  const telemetry = new MemoryTelemetry();
  const log = new MemoryTickLog({ clock, scheduler, random });
  const store = new MemoryTickStore({ clock, random });
  await store.ensureTables(RECORD_SCHEMAS);
  const ports = { log, store, dedup: null, clock, scheduler, random, telemetry };
  const feed = new SimulatorFeed(parseSimulatorSpec(spec), ports);
  const stop = new AbortController();
  const sink = new Sink(ports, { ...SINK_OPTIONS, flushIntervalMs: 50, discoverIntervalMs: 20 });
  const running = sink.run(stop.signal);
  await new RecordFeed(feed, ports).run(stop.signal);
  await untilCommitted(ports, stop.signal);
  stop.abort();
  await running;
  const rows = async (table: TableName): Promise<readonly Row[]> => {
    const plan = await store.plan({ table, asOf: { kind: 'latest' } });
    return store
      .filesOf(plan)
      .flatMap((file) =>
        Array.from({ length: file.rowCount }, (_, row) =>
          Object.fromEntries(plan.fields.map((field) => [field.name, cellAt(file, field, row)])),
        ),
      );
  };
  return { ledger: feed.ledger!, rows, counts: sink.status.counts };
}

/** Numbers lost before the last tick of their series that was sent: nothing can show those after it. */
function provablyLost(ledger: NonNullable<SimulatorFeed['ledger']>): number {
  return ledger.series().reduce((sum, series) => sum + series.lastSequence - series.distinctTicks, 0);
}

function identity(row: Row): string {
  return ['exchange', 'symbol', 'session', 'source_sequence'].map((name) => String(row[name])).join('/');
}

function gapOf(row: Row): SequenceGapRecord {
  return {
    recordType: row['record_type'] as SequenceGapRecord['recordType'],
    exchange: String(row['exchange']),
    symbol: String(row['symbol']),
    session: String(row['session']),
    status: row['status'] as SequenceGapRecord['status'],
    sequenceFrom: Number(row['sequence_from']),
    sequenceTo: Number(row['sequence_to']),
    fromTimeUs: Number(row['timestamp_from']),
    toTimeUs: Number(row['timestamp_to']),
    detectedTimeUs: Number(row['detected_timestamp']),
    platformSequence: BigInt(row['platform_sequence'] as number),
  };
}
