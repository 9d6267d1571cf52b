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
import { PortError, type TickLog, type TickStore } from '@k2/ports';
import { series, tradeBatch } from '@k2/testing/builders';
import { SINK_OPTIONS, type SinkOptions } from './sink-options.ts';
import { Sink } from './sink.ts';

const TOPIC = 'market.equities.trades.asx';
const SYMBOLS = Array.from({ length: 24 }, (_, i) => `S${i}`);
const OPTIONS: SinkOptions = {
  ...SINK_OPTIONS,
  flushIntervalMs: 50,
  flushRowsMax: 40,
  readBytesMax: 2_000,
  gatherMs: 0,
  discoverIntervalMs: 20,
};

/** One topic whose partitions grow, and sinks that share them. */
class World {
  readonly clock = new ManualClock(1_767_225_600_000_000);
  readonly scheduler = new ManualScheduler(this.clock);
  readonly random = new SeededRandom(1, this.clock);
  readonly telemetry = new MemoryTelemetry();
  readonly log: TickLog = new MemoryTickLog({ clock: this.clock, scheduler: this.scheduler, random: this.random });
  readonly store: TickStore;
  private readonly memory = new MemoryTickStore({ clock: this.clock, random: this.random });
  private readonly running: { readonly sink: Sink; readonly ended: Promise<unknown> }[] = [];
  private readonly stop = new AbortController();
  /** Of each symbol, its next sequence. */
  private next = 1;

  constructor(store: (memory: TickStore) => TickStore) {
    this.store = store(this.memory);
  }

  static async create(store: (memory: TickStore) => TickStore = (memory) => memory): Promise<World> {
    const world = new World(store);
    await world.memory.ensureTables(RECORD_SCHEMAS);
    await world.grow(4);
    return world;
  }

  async grow(partitions: number): Promise<void> {
    await this.log.declareTopic({ name: TOPIC, partitions, framing: 'block' });
  }

  /** Ticks of every symbol, in blocks of their own. */
  async trades(blocks: number): Promise<void> {
    for (let block = 0; block < blocks; block++, this.next += 2) {
      for (const symbol of SYMBOLS) {
        const batch = tradeBatch({ series: series({ symbol }), firstSequence: this.next, count: 2 });
        await this.log.append(TOPIC, { kind: 'ticks', batch });
      }
    }
  }

  start(writer: string, options: Partial<SinkOptions> = {}): Sink {
    const sink = new Sink(this, { ...OPTIONS, writer, ...options });
    const ended = sink.run(this.stop.signal).then(
      () => null,
      (error: unknown) => error,
    );
    this.running.push({ sink, ended });
    return sink;
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) await this.scheduler.advance(10);
  }

  async untilDrained(): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      await this.pass(50);
      const progress = new Map((await this.store.progress()).map((at) => [at.partition, at.nextOffset]));
      const offsets = await this.log.offsets([TOPIC]);
      if (offsets.every(({ partition, endOffset }) => (progress.get(partition) ?? 0) >= endOffset)) return;
    }
    throw new Error('the sinks did not come to the end of the log');
  }

  async end(): Promise<readonly unknown[]> {
    this.stop.abort();
    await this.pass(1_000);
    return Promise.all(this.running.map(({ ended }) => ended));
  }

  async rows(table: TableName): Promise<readonly Record<string, unknown>[]> {
    const plan = await this.memory.plan({ table, asOf: { kind: 'latest' } });
    return this.memory
      .filesOf(plan)
      .flatMap((file) =>
        Array.from({ length: file.rowCount }, (_, row) =>
          Object.fromEntries(plan.fields.map((field) => [field.name, cellAt(file, field, row)])),
        ),
      );
  }

  async ticks(): Promise<readonly string[]> {
    const rows = await this.rows('market_data.trades');
    return rows.map((row) => `${String(row['symbol'])} ${String(row['source_sequence'])}`).sort();
  }

  get produced(): readonly string[] {
    return SYMBOLS.flatMap((symbol) => Array.from({ length: this.next - 1 }, (_, i) => `${symbol} ${i + 1}`)).sort();
  }
}

describe('a topic that gets more partitions while sinks have a backlog of it', () => {
  /** Backlogs in every partition, those before as those after it has grown. */
  const grown = async (options: Partial<SinkOptions>) => {
    const world = await World.create();
    // Three, so that a new partition and the one that its series come from are not the same sink's.
    const sinks = ['a', 'b', 'c'].map((writer) => world.start(writer, options));
    await world.trades(2);
    await world.untilDrained();
    await world.trades(15);
    await world.grow(8);
    await world.trades(8);
    await world.pass(60);
    await world.trades(4);
    await world.untilDrained();
    return { world, sinks };
  };

  it('every tick is in the table once, in order, and no gap is seen that is none', async () => {
    const { world, sinks } = await grown({ moveWaitMs: 3_600_000 });
    expect(await world.ticks()).toEqual(world.produced);
    expect(await world.rows('audit.sequence_gaps')).toEqual([]);
    for (const { status } of sinks) {
      expect(status).toMatchObject({ error: null, counts: { duplicates: 0, late: 0, quarantined: 0 } });
    }
    expect(await world.end()).toEqual([null, null, null]);
  }, 120_000);

  it('also where nobody waits for what is left: the ticks come late then, and none twice', async () => {
    const { world } = await grown({ moveWaitMs: 0 });
    expect(await world.ticks()).toEqual(world.produced);
    const gaps = await world.rows('audit.sequence_gaps');
    expect(gaps.length).toBeGreaterThan(0);
    expect(new Set(gaps.map((gap) => gap['status']))).toEqual(new Set(['open', 'filled']));
    expect(await world.end()).toEqual([null, null, null]);
  }, 120_000);

  it('sink.move-look-fails: a log that does not say where the others end holds up the new partition only', async () => {
    const world = await World.create();
    const { log } = world;
    let isAway = false;
    const answering = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
      if (isAway) throw new PortError('unavailable', 'no answer', {}, { retryable: true });
      return ask();
    };
    const [ofTopics, ofOffsets] = [log.topics.bind(log), log.offsets.bind(log)];
    log.topics = () => answering(ofTopics);
    log.offsets = (topics) => answering(() => ofOffsets(topics));
    const sink = world.start('a');
    await world.trades(2);
    await world.untilDrained();
    await world.grow(8);
    await world.pass(100);
    isAway = true;
    const { committedRows } = sink.status;
    await world.trades(2);
    await world.pass(1_000);
    expect(sink.status).toMatchObject({ state: 'running', partitions: 8, error: { message: 'no answer' } });
    expect(sink.status.committedRows).toBeGreaterThan(committedRows);
    expect(sink.status.committedRows).toBeLessThan(world.produced.length);
    isAway = false;
    await world.untilDrained();
    expect(await world.ticks()).toEqual(world.produced);
    expect(await world.rows('audit.sequence_gaps')).toEqual([]);
    expect(world.telemetry.lines.filter(({ message }) => message.includes('starts over'))).toEqual([]);
    expect(await world.end()).toEqual([null]);
  }, 120_000);
});
