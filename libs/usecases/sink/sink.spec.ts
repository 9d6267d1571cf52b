import {
  cellAt,
  ManualClock,
  ManualScheduler,
  MemoryTelemetry,
  MemoryTickLog,
  MemoryTickStore,
  SeededRandom,
} from '@k2/adapter-memory';
import { RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import type { TickLog } from '@k2/ports';
import { rejection, series, tradeBatch } from '@k2/testing/builders';
import { SINK_OPTIONS } from './sink-options.ts';
import { Sink } from './sink.ts';
import { untilCommitted } from './until-committed.ts';

const TOPIC = 'market.equities.trades.asx';
const REJECTIONS = 'audit.rejections';
const OPTIONS = { ...SINK_OPTIONS, flushIntervalMs: 100, discoverIntervalMs: 20 };

class World {
  readonly clock = new ManualClock(1_767_225_600_000_000);
  readonly scheduler = new ManualScheduler(this.clock);
  readonly random = new SeededRandom(1, this.clock);
  readonly telemetry = new MemoryTelemetry();
  log: TickLog = this.newLog();
  readonly store = new MemoryTickStore({ clock: this.clock, random: this.random });

  static async create(): Promise<World> {
    const world = new World();
    await world.store.ensureTables(RECORD_SCHEMAS);
    for (const name of [TOPIC, REJECTIONS]) await world.log.declareTopic({ name, partitions: 1, framing: 'block' });
    return world;
  }

  newLog(): MemoryTickLog {
    return new MemoryTickLog({ clock: this.clock, scheduler: this.scheduler, random: this.random });
  }

  async trades(firstSequence: number, count: number): Promise<void> {
    await this.log.append(TOPIC, { kind: 'ticks', batch: tradeBatch({ firstSequence, count }) });
  }

  /** Runs a sink for a while and stops it; what it says at its end. */
  async run(ms: number, options = OPTIONS) {
    const stop = new AbortController();
    const sink = new Sink(this, options);
    const running = sink.run(stop.signal).then(
      () => null,
      (error: unknown) => error,
    );
    // The sink lets others have their turn between what it reads.
    for (let passed = 0; passed < ms; passed += 10) await this.scheduler.advance(10);
    stop.abort();
    await this.scheduler.advance(1_000);
    const error = await running;
    return { status: sink.status, error };
  }

  async rows(table: TableName): Promise<readonly Record<string, unknown>[]> {
    const plan = await this.store.plan({ table, asOf: { kind: 'latest' } });
    return this.store
      .filesOf(plan)
      .flatMap((file) =>
        Array.from({ length: file.rowCount }, (_, row) =>
          Object.fromEntries(plan.fields.map((field) => [field.name, cellAt(file, field, row)])),
        ),
      );
  }

  async sequences(): Promise<number[]> {
    return (await this.rows('market_data.trades')).map((row) => Number(row['source_sequence'])).sort((a, b) => a - b);
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('Sink', () => {
  it('commits when the interval has passed, and trims the log behind it', async () => {
    const world = await World.create();
    await world.trades(1, 10);
    const { status } = await world.run(300);
    expect(status).toMatchObject({ state: 'stopped', commits: 1, counts: { taken: 10, kept: 10 } });
    expect(await world.sequences()).toEqual(upTo(10));
    expect(await world.log.offsets([TOPIC])).toMatchObject([{ startOffset: 1, endOffset: 1 }]);
  });

  it('commits what it has taken when it is told to stop', async () => {
    const world = await World.create();
    await world.trades(1, 10);
    await world.run(50, { ...OPTIONS, flushIntervalMs: 3_600_000 });
    expect(await world.sequences()).toEqual(upTo(10));
  });

  it('commits at once what someone waits for', async () => {
    const world = await World.create();
    await world.trades(1, 10);
    const stop = new AbortController();
    const sink = new Sink(world, { ...OPTIONS, flushIntervalMs: 3_600_000 });
    const running = sink.run(stop.signal);
    const committed = sink.hurryWhile(untilCommitted(world, stop.signal));
    await world.scheduler.advance(1_000);
    expect(await committed).toBe(true);
    expect(await world.sequences()).toEqual(upTo(10));
    stop.abort();
    await world.scheduler.advance(1_000);
    await running;
  });

  it('commits by rows before the interval has passed', async () => {
    const world = await World.create();
    for (let first = 1; first <= 91; first += 10) await world.trades(first, 10);
    const { status } = await world.run(200, {
      ...OPTIONS,
      flushIntervalMs: 3_600_000,
      flushRowsMax: 20,
      readBytesMax: 1,
    });
    expect(status.commits).toBe(5);
    expect(await world.sequences()).toEqual(upTo(100));
  });

  it('goes on where the one before it ended, with its sequencer states', async () => {
    const world = await World.create();
    await world.trades(1, 10);
    await world.run(300);
    await world.trades(6, 10);
    await world.trades(20, 1);
    const { status } = await world.run(300);
    expect(status.counts).toMatchObject({ taken: 11, kept: 6, duplicates: 5, gaps: 1 });
    expect(await world.sequences()).toEqual([...upTo(15), 20]);
    expect(await world.rows('audit.sequence_gaps')).toMatchObject([
      { sequence_from: 16, sequence_to: 19, status: 'open' },
    ]);
    expect(await world.rows('audit.sessions')).toHaveLength(1);
  });

  it('puts impossible ticks into the quarantine, whole and with the reason', async () => {
    const world = await World.create();
    await world.log.append(TOPIC, { kind: 'ticks', batch: tradeBatch({ rows: [{}, { price: -1n }] }) });
    await world.run(300);
    expect(await world.sequences()).toEqual([1]);
    const [refused] = await world.rows('audit.quarantine');
    expect(refused).toMatchObject({ reason: 'price-not-positive', quarantine_id: 'trades/ASX/BHP/2014-03-10/2' });
    const raw = JSON.parse(new TextDecoder().decode(refused['raw'] as Uint8Array)) as unknown;
    expect(raw).toMatchObject({ symbol: 'BHP', price: '-0.00000001', source_sequence: 2 });
    expect(await world.rows('audit.sequence_gaps')).toMatchObject([
      { sequence_from: 2, sequence_to: 2, status: 'open' },
    ]);
  });

  it('tells everyone who asks for an instrument of a refused tick whose time cannot be known', async () => {
    const world = await World.create();
    const rows = [{}, { eventTimeUs: -5, receiveTimeUs: 9_000 }];
    await world.log.append(TOPIC, { kind: 'ticks', batch: tradeBatch({ rows }) });
    await world.run(300);
    expect(await world.rows('audit.quarantine')).toMatchObject([{ reason: 'time-out-of-range' }]);
    expect(await world.rows('audit.sequence_gaps')).toMatchObject([
      { sequence_from: 2, sequence_to: 2, timestamp_from: 0, timestamp_to: 9_000 },
    ]);
  });

  it('leaves a hole open whose late tick is refused', async () => {
    const world = await World.create();
    await world.trades(1, 4);
    await world.trades(9, 1);
    await world.run(300);
    const late = [5, 6, 7].map((venueSequence) => ({ venueSequence, ...(venueSequence === 6 && { price: -1n }) }));
    await world.log.append(TOPIC, { kind: 'ticks', batch: tradeBatch({ rows: late }) });
    await world.run(300);
    expect(await world.sequences()).toEqual([1, 2, 3, 4, 5, 7, 9]);
    const ledger = await world.rows('audit.sequence_gaps');
    expect(ledger.map((row) => [row['status'], row['sequence_from'], row['sequence_to']])).toEqual([
      ['open', 5, 8],
      ['filled', 5, 5],
      ['filled', 7, 7],
    ]);
  });

  it('sink.untold-ticks: ticks of numberings that have ended are told apart, and from the tick that has their number now', async () => {
    const world = await World.create();
    const of = series({ session: '' });
    const minuteUs = 60_000_000;
    const startUs = world.clock.nowUs() - 10 * minuteUs;
    const numbering = (number: number, price = 1n) => {
      const times = (row: number) => startUs + 2 * number * minuteUs + row;
      const rows = [0, 1].map((row) => ({ series: of, price, eventTimeUs: times(row), receiveTimeUs: times(row) }));
      return world.log.append(TOPIC, { kind: 'ticks', batch: tradeBatch({ rows }) });
    };
    for (const number of [0, 1]) await numbering(number);
    await numbering(2, -1n);
    // What was appended twice comes behind the resets that followed it, whole and as often as you like.
    for (const number of [0, 1, 0, 1]) await numbering(number);
    const { status } = await world.run(300);
    expect(status.counts).toMatchObject({ taken: 14, kept: 4, quarantined: 6, duplicates: 4 });
    const quarantine = await world.rows('audit.quarantine');
    expect(new Set(quarantine.map((row) => row['quarantine_id'])).size).toBe(6);
    const told = quarantine.filter((row) => row['reason'] === 'price-not-positive');
    expect(told.map((row) => row['quarantine_id'])).toEqual(
      [1, 2].map((sequence) => `trades/ASX/BHP/reset-2/${sequence}`),
    );
    const untold = quarantine.filter((row) => row['reason'] === 'unplaceable-sequence');
    for (const row of untold)
      expect(JSON.parse(new TextDecoder().decode(row['raw'] as Uint8Array))).toMatchObject({ session: '' });
  });

  it('sink.refused-again: a tick that cannot be placed is quarantined once, whichever sink it comes to again', async () => {
    const world = await World.create();
    const options = { ...OPTIONS, sequencing: { ...OPTIONS.sequencing, missingRangesMax: 1 } };
    for (const sequence of [1, 5, 9]) await world.trades(sequence, 1);
    // The hole before 5 is forgotten: whether 3 came before can't be told.
    for (let time = 0; time < 3; time++) {
      await world.trades(3, 1);
      const { status } = await world.run(300, options);
      expect(status.counts).toMatchObject(time === 0 ? { taken: 4, quarantined: 1 } : { taken: 1, duplicates: 1 });
    }
    expect(await world.rows('audit.quarantine')).toMatchObject([
      { quarantine_id: 'trades/ASX/BHP/2014-03-10/3', reason: 'unplaceable-sequence' },
    ]);
    expect(await world.sequences()).toEqual([1, 5, 9]);
  });

  it('takes what a feed rejected once, however often it comes', async () => {
    const world = await World.create();
    const payload = { kind: 'rejections' as const, rejections: [rejection()] };
    await world.log.append(REJECTIONS, payload);
    await world.log.append(REJECTIONS, payload);
    await world.run(300);
    await world.log.append(REJECTIONS, payload);
    const { status } = await world.run(300);
    expect(status.counts).toMatchObject({ taken: 1, duplicates: 1 });
    expect(await world.rows('audit.quarantine')).toHaveLength(1);
  });

  it('puts a record that cannot be read into the quarantine, with its bytes, and goes on', async () => {
    const world = await World.create();
    await world.trades(1, 3);
    await world.trades(4, 3);
    const raw = Uint8Array.of(9, 9, 9);
    (world.log as MemoryTickLog).overwrite({ topic: TOPIC, partition: 0, offset: 0 }, raw);
    await world.run(300);
    expect(await world.sequences()).toEqual([4, 5, 6]);
    expect(await world.rows('audit.quarantine')).toMatchObject([
      { reason: 'undecodable-record', source: `${TOPIC}/0`, position: 0, raw, exchange: 'ASX' },
    ]);
  });

  it('sink.log-trimmed: says so when the log lost records that were not committed', async () => {
    const world = await World.create();
    for (let first = 1; first <= 5; first++) await world.trades(first, 1);
    await world.log.trim([{ topic: TOPIC, partition: 0, nextOffset: 3 }]);
    await world.run(300);
    expect(await world.sequences()).toEqual([4, 5]);
    expect(await world.rows('audit.quarantine')).toMatchObject([
      { reason: 'log-trimmed', detail: expect.stringContaining('0 to 2') },
    ]);
    expect(await world.rows('audit.sequence_gaps')).toMatchObject([{ sequence_from: 1, sequence_to: 3 }]);
  });

  it('sink.both-framings: positions of one partition are unique and rise, also where its framing was changed', async () => {
    const world = await World.create();
    const blocks = world.log;
    const read: TickLog['read'] = async (request, signal) =>
      (await blocks.read(request, signal)).map((record) =>
        // From its second record on, a record is a tick.
        record.offset === 0 ? record : { ...record, rowOffsets: Float64Array.of(record.offset) },
      );
    world.log = new Proxy(blocks, {
      get: (of, name) => {
        const member: unknown = name === 'read' ? read : Reflect.get(of, name);
        return typeof member === 'function' ? member.bind(of) : member;
      },
    });
    await world.trades(1, 3);
    for (const sequence of [4, 5]) await world.trades(sequence, 1);
    await world.run(300);
    const rows = await world.rows('market_data.trades');
    expect(rows.map((row) => [row['source_sequence'], row['platform_sequence']])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
      [4, 65_536],
      [5, 131_072],
    ]);
  });

  it('finds topics that are declared while it runs', async () => {
    const world = await World.create();
    const quotesOf = 'market.equities.trades.nyse';
    const stop = new AbortController();
    const running = new Sink(world, OPTIONS).run(stop.signal);
    await world.scheduler.advance(200);
    await world.log.declareTopic({ name: quotesOf, partitions: 1, framing: 'block' });
    const batch = tradeBatch({ rows: [{ series: series({ exchange: 'NYSE' }) }] });
    await world.log.append(quotesOf, { kind: 'ticks', batch });
    await world.scheduler.advance(500);
    stop.abort();
    await world.scheduler.advance(1_000);
    await running;
    expect(await world.rows('market_data.trades')).toMatchObject([{ exchange: 'NYSE' }]);
  });
});
