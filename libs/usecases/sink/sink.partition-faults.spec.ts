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
import { PortError, type PlannedRows, type TickLog, type TickStore } from '@k2/ports';
import { series, tradeBatch } from '@k2/testing/builders';
import { SINK_OPTIONS, type SinkOptions } from './sink-options.ts';
import { Sink } from './sink.ts';
import { untilCommitted } from './until-committed.ts';

const ASX = 'market.equities.trades.asx';
const NYSE = 'market.equities.trades.nyse';
const OPTIONS = { ...SINK_OPTIONS, flushIntervalMs: 50, discoverIntervalMs: 20, gatherMs: 0 };
const PAUSED_ASX = { topic: ASX, partition: 0 };

/** Two topics in one log, of one partition each; what is wrong with either is the test's to say. */
class TwoTopics {
  readonly clock = new ManualClock(1_767_225_600_000_000);
  readonly scheduler = new ManualScheduler(this.clock);
  readonly random = new SeededRandom(1, this.clock);
  readonly telemetry = new MemoryTelemetry();
  readonly memory = new MemoryTickStore({ clock: this.clock, random: this.random });
  log: TickLog = this.newLog();
  store: TickStore = this.memory;

  static async create(): Promise<TwoTopics> {
    const world = new TwoTopics();
    await world.memory.ensureTables(RECORD_SCHEMAS);
    await world.declare();
    return world;
  }

  newLog(): MemoryTickLog {
    return new MemoryTickLog({ clock: this.clock, scheduler: this.scheduler, random: this.random });
  }

  async declare(): Promise<void> {
    for (const name of [ASX, NYSE]) await this.log.declareTopic({ name, partitions: 1, framing: 'block' });
  }

  async trades(topic: string, firstSequence: number, count: number): Promise<void> {
    const of = { exchange: topic === ASX ? 'ASX' : 'NYSE' };
    await this.log.append(topic, { kind: 'ticks', batch: tradeBatch({ series: of, firstSequence, count }) });
  }

  /** The store, but for what `stage` does first. */
  staging(before: (rows: PlannedRows) => void): void {
    const stage: TickStore['stage'] = async (rows) => {
      before(rows);
      return this.memory.stage(rows);
    };
    this.store = changed(this.memory, { stage });
  }

  start(options: Partial<SinkOptions> = {}): { readonly sink: Sink; stop(): Promise<unknown> } {
    const stopping = new AbortController();
    const sink = new Sink(this, { ...OPTIONS, ...options });
    const ended = sink.run(stopping.signal).then(
      () => null,
      (error: unknown) => error,
    );
    return {
      sink,
      stop: async () => {
        stopping.abort();
        await this.pass(10_000);
        return ended;
      },
    };
  }

  /** In steps: what sinks do without a wait has its turn between them. */
  async pass(ms: number): Promise<void> {
    const stepMs = Math.max(10, ms / 50);
    for (let passed = 0; passed < ms; passed += stepMs) await this.scheduler.advance(stepMs);
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

  /** Each tick in the table as `venue number`, in order. */
  async ticks(): Promise<string[]> {
    const rows = await this.rows('market_data.trades');
    return rows.map((row) => `${String(row['exchange'])} ${String(row['source_sequence'])}`).sort(byNumber);
  }
}

function changed<Port extends object>(port: Port, changes: Partial<Port>): Port {
  return new Proxy(port, {
    get: (of, name) => {
      const own: unknown = Reflect.get(changes, name);
      if (own !== undefined) return own;
      const member: unknown = Reflect.get(of, name);
      return typeof member === 'function' ? member.bind(of) : member;
    },
  });
}

const collator = new Intl.Collator('en', { numeric: true });
const byNumber = (a: string, b: string) => collator.compare(a, b);
const ticksOf = (venue: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${venue} ${from + i}`);

describe('Sink, when one partition is at fault', () => {
  it('sink.recreated-topic: takes nothing of a topic made anew, and goes on with the others', async () => {
    const world = await TwoTopics.create();
    await world.trades(ASX, 1, 10);
    const before = world.start();
    await world.pass(200);
    await before.stop();

    world.log = world.newLog();
    await world.declare();
    await world.trades(ASX, 11, 10);
    await world.trades(NYSE, 1, 10);
    const { sink, stop } = world.start();
    await world.pass(300);
    expect(await world.ticks()).toEqual([...ticksOf('ASX', 1, 10), ...ticksOf('NYSE', 1, 10)]);
    expect(sink.status).toMatchObject({
      state: 'running',
      partitions: 1,
      error: null,
      paused: [
        { ...PAUSED_ASX, offset: null, kind: 'topic-recreated', error: { message: expect.stringContaining(ASX) } },
      ],
    });
    expect(world.telemetry.count('k2_sink_pauses', { topic: ASX, kind: 'topic-recreated' })).toBe(1);
    expect(await stop()).toBeNull();
  });

  it('two sinks: neither hands the partition at fault to the other, and both live on', async () => {
    const world = await TwoTopics.create();
    await world.trades(ASX, 1, 10);
    const before = world.start();
    await world.pass(200);
    await before.stop();
    world.log = world.newLog();
    await world.declare();
    const sinks = ['a', 'b'].map((writer) => world.start({ writer }));
    await world.trades(NYSE, 1, 10);
    await world.pass(500);
    expect(sinks.map(({ sink }) => sink.status.state)).toEqual(['running', 'running']);
    expect(sinks.flatMap(({ sink }) => sink.status.paused)).toMatchObject([{ topic: ASX, kind: 'topic-recreated' }]);
    expect(await world.ticks()).toEqual([...ticksOf('ASX', 1, 10), ...ticksOf('NYSE', 1, 10)]);
    for (const { stop } of sinks) expect(await stop()).toBeNull();
  });

  it('sink.fault-while-taking: pauses the partition, keeps what is taken of the others, and tries it again', async () => {
    const world = await TwoTopics.create();
    // What is stored of one series is not a state: a TypeError when it is asked for.
    let isBroken = true;
    const state: TickStore['state'] = async (keys) => {
      const found = new Map(await world.memory.state(keys));
      for (const key of keys) if (isBroken && key.includes('ASX')) found.set(key, { value: '{}', owner: null });
      return found;
    };
    world.store = changed<TickStore>(world.memory, { state });
    await world.trades(NYSE, 1, 5);
    await world.trades(ASX, 1, 5);
    const { sink, stop } = world.start({ pauseMs: 1_000 });
    await world.pass(200);
    await world.trades(NYSE, 6, 5);
    await world.pass(200);
    expect(await world.ticks()).toEqual(ticksOf('NYSE', 1, 10));
    const [paused] = sink.status.paused;
    expect(paused).toMatchObject({
      ...PAUSED_ASX,
      offset: 0,
      kind: 'fault',
      error: { message: expect.stringContaining('state') },
    });
    expect(sink.status.lag.offsets).toBe(1);

    await world.pass(1_000);
    expect(sink.status.paused).toMatchObject([{ sinceUs: paused.sinceUs }]);
    expect(world.telemetry.count('k2_sink_pauses')).toBe(2);
    isBroken = false;
    await world.pass(2_000);
    expect(sink.status.paused).toEqual([]);
    expect(await world.ticks()).toEqual([...ticksOf('ASX', 1, 5), ...ticksOf('NYSE', 1, 10)]);
    expect(await stop()).toBeNull();
  });

  it('whoever waits for the log to be committed does not wait for a partition that is paused', async () => {
    const world = await TwoTopics.create();
    const state: TickStore['state'] = async (keys) => new Map(keys.map((key) => [key, { value: '{}', owner: null }]));
    world.store = changed<TickStore>(world.memory, { state });
    await world.trades(ASX, 1, 5);
    const { sink, stop } = world.start();
    const waiting = untilCommitted(world, new AbortController().signal, undefined, (of) => sink.isPaused(of));
    await world.pass(500);
    expect(await waiting).toBe(false);
    await stop();
  });

  it('sink.poison-tick: a tick that the store cannot write goes to the quarantine; the rest is in the table once', async () => {
    const world = await TwoTopics.create();
    world.staging(({ ticks }) => {
      for (const { batch } of ticks)
        if (batch.series[0].exchange === 'ASX' && batch.venueSequence.includes(7))
          throw new TypeError('Cannot convert 7 to a BigInt');
    });
    await world.trades(ASX, 1, 20);
    await world.trades(NYSE, 1, 20);
    const { sink, stop } = world.start();
    await world.pass(500);
    await world.trades(ASX, 21, 5);
    await world.pass(500);
    expect(await world.ticks()).toEqual([...ticksOf('ASX', 1, 6), ...ticksOf('ASX', 8, 25), ...ticksOf('NYSE', 1, 20)]);
    const [refused, ...others] = await world.rows('audit.quarantine');
    expect(others).toEqual([]);
    expect(refused).toMatchObject({
      quarantine_id: 'trades/ASX/BHP/2014-03-10/7',
      reason: 'unstorable',
      detail: expect.stringContaining('Cannot convert 7'),
    });
    const raw = JSON.parse(new TextDecoder().decode(refused['raw'] as Uint8Array)) as unknown;
    expect(raw).toMatchObject({ symbol: 'BHP', source_sequence: 7 });
    expect(await world.rows('audit.sequence_gaps')).toMatchObject([
      { exchange: 'ASX', status: 'open', sequence_from: 7, sequence_to: 7 },
    ]);
    expect(sink.status).toMatchObject({
      paused: [],
      error: null,
      counts: { taken: 45, kept: 44, quarantined: 1, duplicates: 0, gaps: 1 },
    });
    expect(world.telemetry.count('k2_sink_unstorable_ticks', { topic: ASX })).toBe(1);
    expect(await stop()).toBeNull();
  });

  it('sink.poison-only: ticks at fault that come with no other go to the quarantine while the store is well', async () => {
    const world = await TwoTopics.create();
    let isBroken = false;
    world.staging(({ ticks }) => {
      for (const { batch } of ticks)
        if (isBroken || batch.venueSequence.some((sequence) => sequence === 6 || sequence === 7))
          throw new TypeError('Cannot convert it to a BigInt');
    });
    await world.trades(ASX, 1, 5);
    const { sink, stop } = world.start();
    await world.pass(500);
    await world.trades(ASX, 6, 2);
    await world.pass(500);
    expect(sink.status).toMatchObject({ paused: [], error: null });
    expect((await world.rows('audit.quarantine')).length).toBe(2);
    isBroken = true;
    await world.trades(ASX, 8, 1);
    await world.pass(500);
    expect(sink.status.paused).toMatchObject([{ ...PAUSED_ASX, kind: 'fault' }]);
    expect((await world.rows('audit.quarantine')).length).toBe(2);
    isBroken = false;
    await world.pass(120_000);
    expect(await world.ticks()).toEqual([...ticksOf('ASX', 1, 5), ...ticksOf('ASX', 8, 8)]);
    expect(await stop()).toBeNull();
  });

  it('sink.poison-first: ticks at fault that are the first of their partition go to the quarantine if the next are well', async () => {
    const world = await TwoTopics.create();
    world.staging(({ ticks }) => {
      for (const { batch } of ticks)
        if (batch.venueSequence.some((sequence) => sequence < 4)) throw new TypeError('Cannot convert it to a BigInt');
    });
    await world.trades(ASX, 1, 2);
    await world.trades(ASX, 3, 2);
    const { sink, stop } = world.start({ readBytesMax: 1, flushRowsMax: 1 });
    await world.pass(2_000);
    expect(sink.status).toMatchObject({ paused: [], error: null });
    expect(await world.ticks()).toEqual(ticksOf('ASX', 4, 4));
    expect((await world.rows('audit.quarantine')).length).toBe(3);
    expect(await stop()).toBeNull();
  });

  it('pauses a partition that cannot be written whatever is left out of it, and commits the others', async () => {
    const world = await TwoTopics.create();
    world.staging(({ ticks }) => {
      if (ticks.some(({ batch }) => batch.series[0].exchange === 'ASX'))
        throw new PortError('unwritable-rows', 'the column is of another type');
    });
    await world.trades(ASX, 1, 20);
    await world.trades(NYSE, 1, 20);
    const { sink, stop } = world.start();
    await world.pass(1_000);
    expect(await world.ticks()).toEqual(ticksOf('NYSE', 1, 20));
    expect(sink.status.paused).toMatchObject([{ ...PAUSED_ASX, offset: 0, kind: 'unwritable-rows' }]);
    expect(await world.rows('audit.quarantine')).toEqual([]);
    expect(await stop()).toBeNull();
  });

  it('does not take a store that is away for rows that cannot be written', async () => {
    const world = await TwoTopics.create();
    let isAway = true;
    world.staging(() => {
      if (isAway) throw new PortError('unavailable', 'away', {}, { retryable: true });
    });
    await world.trades(ASX, 1, 20);
    const { sink, stop } = world.start();
    await world.pass(1_000);
    expect(sink.status).toMatchObject({ paused: [], error: { message: 'away' } });
    isAway = false;
    await world.pass(2_000);
    expect(sink.status).toMatchObject({ error: null, counts: { taken: 20, kept: 20 } });
    expect(await world.ticks()).toEqual(ticksOf('ASX', 1, 20));
    expect(await stop()).toBeNull();
  });

  it('pauses what cannot be read, and reads on where it can', async () => {
    const world = await TwoTopics.create();
    const { log } = world;
    const read: TickLog['read'] = async (request, signal) => {
      if (request.positions.some(({ topic }) => topic === ASX)) throw new RangeError('offset is out of bounds');
      return log.read(request, signal);
    };
    world.log = changed(log, { read });
    await world.trades(ASX, 1, 5);
    await world.trades(NYSE, 1, 5);
    const { sink, stop } = world.start();
    await world.pass(500);
    expect(await world.ticks()).toEqual(ticksOf('NYSE', 1, 5));
    expect(sink.status.paused).toMatchObject([{ ...PAUSED_ASX, kind: 'fault' }]);
    expect(await stop()).toBeNull();
  });

  it('ends, and says so, for a fault that is no partition’s', async () => {
    const world = await TwoTopics.create();
    const commit: TickStore['commit'] = async () => {
      throw new TypeError('undefined is not a function');
    };
    world.store = changed<TickStore>(world.memory, { commit });
    await world.trades(ASX, 1, 5);
    const { sink, stop } = world.start();
    await world.pass(500);
    expect(sink.status).toMatchObject({ state: 'failed', error: { message: 'undefined is not a function' } });
    expect(await stop()).toBeInstanceOf(TypeError);
  });
});

describe('Sink, when a call beside the commit fails', () => {
  it('sink.trim-fails: a log that cannot be trimmed undoes no commit, and is trimmed later without another', async () => {
    const world = await TwoTopics.create();
    const { log } = world;
    let isBroken = true;
    const trim: TickLog['trim'] = async (positions) => {
      if (isBroken) throw new PortError('unavailable', 'disk I/O error', {}, { retryable: true });
      return log.trim(positions);
    };
    world.log = changed(log, { trim });
    await world.trades(ASX, 1, 5);
    const { sink, stop } = world.start();
    await world.pass(200);
    expect(sink.status).toMatchObject({ commits: 1, error: null });
    expect(world.telemetry.count('k2_sink_trim_failures')).toBeGreaterThan(0);
    expect(world.telemetry.lines.filter(({ message }) => message.includes('starts over'))).toEqual([]);
    isBroken = false;
    await world.pass(100);
    expect(await log.offsets([ASX])).toMatchObject([{ startOffset: 1, endOffset: 1 }]);
    expect(await stop()).toBeNull();
  });

  it('trims what a sink before it had committed and not trimmed', async () => {
    const world = await TwoTopics.create();
    const { log } = world;
    world.log = changed(log, { trim: async () => Promise.reject(new PortError('unavailable', 'killed')) });
    await world.trades(ASX, 1, 5);
    const before = world.start();
    await world.pass(200);
    await before.stop();
    world.log = log;
    const { stop } = world.start();
    await world.pass(200);
    expect(await log.offsets([ASX])).toMatchObject([{ startOffset: 1, endOffset: 1 }]);
    expect(await stop()).toBeNull();
  });

  it('sink.discard-fails: a commit that was fenced counts as fenced, whatever becomes of its files', async () => {
    const world = await TwoTopics.create();
    const commit: TickStore['commit'] = async () => {
      throw new PortError('fenced', 'a later writer has claimed the partition');
    };
    const discard: TickStore['discard'] = async () => {
      throw new PortError('unavailable', 'no answer', {}, { retryable: true });
    };
    world.store = changed<TickStore>(world.memory, { commit, discard });
    await world.trades(ASX, 1, 5);
    const { sink, stop } = world.start();
    await world.pass(20_000);
    expect(sink.status.state).toBe('failed');
    expect(await stop()).toMatchObject({ kind: 'fenced' });
  });

  it('sink.discovery-fails: a log that cannot be asked for its topics keeps no commit back', async () => {
    const world = await TwoTopics.create();
    const { log } = world;
    let isAway = false;
    const away = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
      if (!isAway) return ask();
      await world.scheduler.sleep(5_000);
      throw new PortError('unavailable', 'no answer', {}, { retryable: true });
    };
    world.log = changed(log, {
      topics: () => away(() => log.topics()),
      offsets: (topics) => away(() => log.offsets(topics)),
    });
    const { sink, stop } = world.start();
    await world.pass(200);
    isAway = true;
    await world.pass(100);
    await world.trades(ASX, 1, 5);
    await world.pass(200);
    expect(await world.ticks()).toEqual(ticksOf('ASX', 1, 5));
    await world.pass(10_000);
    expect(sink.status).toMatchObject({ state: 'running', partitions: 2, error: { message: 'no answer' } });
    expect(world.telemetry.count('k2_sink_discovery_failures')).toBeGreaterThan(0);
    isAway = false;
    await world.pass(6_000);
    expect(sink.status.error).toBeNull();
    expect(await stop()).toBeNull();
  });

  it('sink.stop-while-away: a stop ends in bounded time while the catalog is away', async () => {
    const world = await TwoTopics.create();
    const commit: TickStore['commit'] = async () => {
      throw new PortError('unavailable', 'no catalog', {}, { retryable: true });
    };
    world.store = changed<TickStore>(world.memory, { commit });
    await world.trades(ASX, 1, 5);
    const { sink, stop } = world.start({ commitRetryMs: 3_600_000 });
    await world.pass(60_000);
    // It passes 10 s, and waits for no more.
    expect(await stop()).toBeNull();
    expect(sink.status.state).toBe('stopped');
  });

  it('sink.outage: a store that takes no commit for a while is two lines, at the beginning and the end', async () => {
    const world = await TwoTopics.create();
    let failures = 3;
    const commit: TickStore['commit'] = async (staged, progress) => {
      if (failures-- > 0) throw new PortError('unavailable', 'no catalog', {}, { retryable: true });
      return world.memory.commit(staged, progress);
    };
    world.store = changed<TickStore>(world.memory, { commit });
    await world.trades(ASX, 1, 5);
    const { stop } = world.start();
    await world.pass(5_000);
    const lines = world.telemetry.lines.filter(({ message }) => message.startsWith('the store'));
    expect(lines).toMatchObject([
      { level: 'warn', fields: { kind: 'unavailable', error: 'no catalog' } },
      { level: 'info', message: 'the store takes commits again', fields: { failedAttempts: 3 } },
    ]);
    expect(await stop()).toBeNull();
  });

  it('sink.counts: rows that were taken and forgotten are counted once', async () => {
    const world = await TwoTopics.create();
    let failures = 3;
    const commit: TickStore['commit'] = async (staged, progress) => {
      if (failures-- > 0) throw new PortError('unavailable', 'no', {}, { retryable: false });
      return world.memory.commit(staged, progress);
    };
    world.store = changed<TickStore>(world.memory, { commit });
    const batch = tradeBatch({ rows: [{}, { price: -1n }, { venueSequence: 9, series: series() }] });
    await world.log.append(ASX, { kind: 'ticks', batch });
    const { sink, stop } = world.start();
    await world.pass(5_000);
    expect(sink.status.counts).toEqual({ taken: 3, kept: 2, late: 0, duplicates: 0, quarantined: 1, gaps: 2 });
    expect(await stop()).toBeNull();
  });
});

describe('Sink, when there is much of what is rare', () => {
  it('sink.many-gaps: 200,000 gaps in one commit are 200,000 rows of the ledger', async () => {
    const world = await TwoTopics.create();
    for (let batch = 0; batch < 4; batch++) {
      const rows = Array.from({ length: 50_000 }, (_, row) => ({ venueSequence: 2 * (50_000 * batch + row) + 2 }));
      await world.log.append(ASX, { kind: 'ticks', batch: tradeBatch({ rows }) });
    }
    const { sink, stop } = world.start({ flushIntervalMs: 3_600_000 });
    await world.pass(500);
    expect(await stop()).toBeNull();
    expect(sink.status).toMatchObject({ paused: [], commits: 1, counts: { kept: 200_000, gaps: 200_000 } });
  }, 60_000);

  it('sink.many-refused: 65,536 refused rows in one record pause nothing', async () => {
    const world = await TwoTopics.create();
    const rows = Array.from({ length: 65_536 }, () => ({ price: -1n }));
    await world.log.append(ASX, { kind: 'ticks', batch: tradeBatch({ rows }) });
    const { sink, stop } = world.start();
    await world.pass(500);
    expect(await stop()).toBeNull();
    expect(sink.status).toMatchObject({ paused: [], counts: { quarantined: 65_536, gaps: 1 } });
  }, 60_000);

  it('sink.refused-again: a tick of an impossible time that comes again is one row of the quarantine', async () => {
    const world = await TwoTopics.create();
    const of = series({ session: '' });
    const impossible = { series: of, eventTimeUs: 4_102_444_800_000_000, receiveTimeUs: world.clock.nowUs() };
    const batch = tradeBatch({ rows: [{ series: of }, impossible] });
    for (let time = 0; time < 2; time++) {
      await world.log.append(ASX, { kind: 'ticks', batch });
      const { stop } = world.start();
      await world.pass(300);
      await stop();
    }
    expect(await world.rows('audit.quarantine')).toMatchObject([{ reason: 'time-out-of-range' }]);
  });
});
