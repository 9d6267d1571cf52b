import {
  cellAt,
  ManualClock,
  ManualScheduler,
  MemoryTelemetry,
  MemoryTickLog,
  MemoryTickStore,
  SeededRandom,
} from '@k2/adapter-memory';
import { LOG_OFFSETS_MAX, RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import type { LogRecord, TickLog } from '@k2/ports';
import { FAR_OFFSETS, plannedRows, tradeBatch } from '@k2/testing/builders';
import { SINK_OPTIONS, type SinkOptions } from './sink-options.ts';
import { Sink } from './sink.ts';

const TOPIC = 'market.equities.trades.asx';
const OTHER = 'market.equities.trades.nyse';
const FRAMINGS = ['block', 'tick'] as const;
const OPTIONS = { ...SINK_OPTIONS, flushIntervalMs: 50, discoverIntervalMs: 20, gatherMs: 0 };

/** A log of which the first record of one topic has a far offset, and a store that is committed up to there. */
class FarWorld {
  readonly clock = new ManualClock(1_767_225_600_000_000);
  readonly scheduler = new ManualScheduler(this.clock);
  readonly random = new SeededRandom(1, this.clock);
  readonly telemetry = new MemoryTelemetry();
  readonly store = new MemoryTickStore({ clock: this.clock, random: this.random });
  private readonly memory = new MemoryTickLog(this);
  readonly log: TickLog;

  private constructor(firstOffset: number, framing: (typeof FRAMINGS)[number]) {
    const shiftOf = ({ topic }: { readonly topic: string }) => (topic === TOPIC ? firstOffset : 0);
    const back = <Position extends { readonly topic: string; readonly nextOffset: number }>(position: Position) => ({
      ...position,
      nextOffset: position.nextOffset - shiftOf(position),
    });
    const far = (record: LogRecord): LogRecord => {
      const offset = record.offset + shiftOf(record.topicPartition);
      const nextOffset = record.nextOffset + shiftOf(record.topicPartition);
      const rowOffsets = framing === 'tick' && offset !== record.offset ? Float64Array.of(offset) : null;
      return { ...record, offset, nextOffset, rowOffsets };
    };
    const changes: Partial<TickLog> = {
      read: async (request, signal) =>
        (await this.memory.read({ ...request, positions: request.positions.map(back) }, signal)).map(far),
      offsets: async (topics) =>
        (await this.memory.offsets(topics)).map((of) => ({
          ...of,
          startOffset: of.startOffset + shiftOf(of),
          endOffset: of.endOffset + shiftOf(of),
        })),
      trim: (positions) => this.memory.trim(positions.map(back)),
    };
    this.log = new Proxy<TickLog>(this.memory, {
      get: (of, name) => {
        const member: unknown = Reflect.get(changes, name) ?? Reflect.get(of, name);
        return typeof member === 'function' ? member.bind(of) : member;
      },
    });
  }

  static async create(firstOffset: number, framing: (typeof FRAMINGS)[number]): Promise<FarWorld> {
    const world = new FarWorld(firstOffset, framing);
    await world.store.ensureTables(RECORD_SCHEMAS);
    const { topicId } = await world.log.declareTopic({ name: TOPIC, partitions: 1, framing: 'block' });
    await world.log.declareTopic({ name: OTHER, partitions: 1, framing: 'block' });
    const [claim] = await world.store.claim('writer before', [{ topic: TOPIC, partition: 0, topicId }]);
    await world.store.commit(await world.store.stage(plannedRows()), {
      partitions: [{ claim, nextOffset: firstOffset }],
      state: new Map(),
    });
    return world;
  }

  /** Each in a record of its own. */
  async trades(topic: string, ...sequences: readonly number[]): Promise<void> {
    const exchange = topic === TOPIC ? 'ASX' : 'NYSE';
    for (const venueSequence of sequences) {
      const batch = tradeBatch({ series: { exchange }, rows: [{ venueSequence }] });
      await this.log.append(topic, { kind: 'ticks', batch });
    }
  }

  /** Runs a sink until it has nothing more to do. */
  async sunk(options: Partial<SinkOptions> = {}) {
    const stopping = new AbortController();
    const sink = new Sink(this, { ...OPTIONS, ...options });
    const ended = sink.run(stopping.signal);
    for (let passed = 0; passed < 500; passed += 10) await this.scheduler.advance(10);
    const { status } = sink;
    stopping.abort();
    await this.scheduler.advance(1_000);
    await ended;
    return status;
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

  async positions(table: TableName): Promise<bigint[]> {
    return (await this.rows(table)).map((row) => BigInt(row['platform_sequence'] as number | bigint));
  }
}

const position = (offset: number) => BigInt(offset) * 65_536n;

describe('Sink, far into a log', () => {
  it.each(FRAMINGS.flatMap((framing) => [2 ** 37 - 3, LOG_OFFSETS_MAX - 6].map((first) => [framing, first] as const)))(
    'sink.far-offsets: places, tells duplicates and notes gaps in %s framing from offset %d on',
    async (framing, first) => {
      const world = await FarWorld.create(first, framing);
      await world.trades(TOPIC, 1, 2, 2, 5);
      await world.sunk();
      // By the next sink, from the stored states.
      await world.trades(TOPIC, 5, 3);
      const { paused, counts } = await world.sunk({ writer: 'next' });
      expect(paused).toEqual([]);
      expect(counts).toMatchObject({ taken: 2, kept: 1, late: 1, duplicates: 1 });
      const trades = await world.rows('market_data.trades');
      expect(trades.map((row) => row['source_sequence'])).toEqual([1, 2, 5, 3]);
      const placed = [first, first + 1, first + 3, first + 5].map(position);
      expect(await world.positions('market_data.trades')).toEqual(placed);
      expect(await world.positions('audit.sequence_gaps')).toEqual([position(first + 3), position(first + 5)]);
      expect(await world.positions('audit.sessions')).toEqual([position(first)]);
    },
  );

  it('sink.far-offsets: a refused tick is in the quarantine with its position', async () => {
    const world = await FarWorld.create(FAR_OFFSETS[1], 'block');
    await world.log.append(TOPIC, { kind: 'ticks', batch: tradeBatch({ rows: [{}, { price: -1n }] }) });
    await world.sunk();
    const [row] = await world.rows('audit.quarantine');
    expect(row).toMatchObject({ position: position(2 ** 37) + 1n, platform_sequence: position(2 ** 37) + 1n });
  });

  it.each(FRAMINGS)(
    'sink.log-exhausted: in %s framing a partition is paused from offset 2^47 on, and says why; the others go on',
    async (framing) => {
      const world = await FarWorld.create(LOG_OFFSETS_MAX, framing);
      await world.trades(TOPIC, 1);
      await world.trades(OTHER, 1);
      const { paused } = await world.sunk();
      expect(paused).toMatchObject([
        {
          topic: TOPIC,
          partition: 0,
          offset: LOG_OFFSETS_MAX,
          kind: 'log-exhausted',
          error: { message: expect.stringContaining(`offset ${LOG_OFFSETS_MAX} has no position`) },
        },
      ]);
      expect((await world.rows('market_data.trades')).map((row) => row['exchange'])).toEqual(['NYSE']);
    },
  );

  it('sink.log-exhausted: also if what it would read next was trimmed', async () => {
    const world = await FarWorld.create(LOG_OFFSETS_MAX, 'block');
    await world.trades(TOPIC, 1, 2);
    await world.log.trim([{ topic: TOPIC, partition: 0, nextOffset: LOG_OFFSETS_MAX + 1 }]);
    await world.trades(OTHER, 1);
    const { paused, state } = await world.sunk();
    expect(state).toBe('running');
    expect(paused).toMatchObject([{ topic: TOPIC, offset: LOG_OFFSETS_MAX, kind: 'log-exhausted' }]);
    expect((await world.rows('market_data.trades')).map((row) => row['exchange'])).toEqual(['NYSE']);
  });
});
