import {
  ManualClock,
  ManualScheduler,
  MemoryDedupStore,
  MemoryMarketFeed,
  MemoryTelemetry,
  MemoryTickLog,
  SeededRandom,
} from '@k2/adapter-memory';
import { PortError, type FeedEvent, type MarketFeed, type TickLog } from '@k2/ports';
import { rejection, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { RECORD_OPTIONS, RecordFeed } from './record-feed.ts';

const venues = [{ exchange: 'ASX', sequenceOrigin: 'venue' as const }];
const ticks = (firstSequence: number): FeedEvent => ({
  kind: 'ticks',
  batch: tradeBatch({ firstSequence, count: 10 }),
});

function world() {
  const clock = new ManualClock();
  const scheduler = new ManualScheduler(clock);
  const log = new MemoryTickLog({ clock, scheduler, random: new SeededRandom(1) });
  return { clock, scheduler, log, dedup: null, telemetry: new MemoryTelemetry(), signal: new AbortController().signal };
}

/** The log, failing the appends whose number is given, before or after they take effect. */
function failing(log: TickLog, appends: readonly number[], when: 'before' | 'after'): TickLog {
  let count = 0;
  const append: TickLog['append'] = async (topic, payload) => {
    const isFailing = appends.includes(++count);
    if (isFailing && when === 'before') throw new PortError('unavailable', 'no', {}, { retryable: true });
    const receipt = await log.append(topic, payload);
    if (isFailing) throw new PortError('unavailable', 'no', {}, { retryable: true });
    return receipt;
  };
  return new Proxy(log, {
    get: (of, name) => {
      if (name === 'append') return append;
      const member: unknown = Reflect.get(of, name);
      return typeof member === 'function' ? member.bind(of) : member;
    },
  });
}

async function sequencesIn(log: TickLog, topic: string): Promise<number[]> {
  const records = await log.read({ positions: [{ topic, partition: 0, nextOffset: 0 }], bytesMax: 1e9, waitMs: 0 });
  return records.flatMap(({ payload }) => (payload.kind === 'ticks' ? [...payload.batch.venueSequence] : []));
}

const TRADES = 'market.equities.trades.asx';

describe('RecordFeed', () => {
  it('puts every event into its topic, and counts what the log acknowledged', async () => {
    const { signal, ...ports } = world();
    const events: FeedEvent[] = [
      ticks(1),
      { kind: 'ticks', batch: quoteBatch({ count: 4 }) },
      { kind: 'rejections', rejections: [rejection()] },
      ticks(11),
    ];
    const recorder = new RecordFeed(new MemoryMarketFeed(events), ports);
    const status = await recorder.run(signal);
    expect(status).toMatchObject({ state: 'finished', acknowledgedTicks: 24, acknowledgedRejections: 1 });
    const names = (await ports.log.topics()).map(({ name }) => name).sort();
    expect(names).toEqual(['audit.rejections', 'market.equities.quotes.asx', TRADES]);
    expect(await sequencesIn(ports.log, TRADES)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it.each(['before', 'after'] as const)(
    'repeats an append that failed %s its effect; nothing is lost',
    async (when) => {
      const { signal, ...ports } = world();
      const log = failing(ports.log, [1, 2], when);
      const recorder = new RecordFeed(new MemoryMarketFeed([ticks(1)]), {
        ...ports,
        log,
      });
      const running = recorder.run(signal);
      await ports.scheduler.advance(1_000);
      expect(await running).toMatchObject({ state: 'finished', acknowledgedTicks: 10 });
      const sequences = await sequencesIn(ports.log, TRADES);
      expect(new Set(sequences).size).toBe(10);
      expect(sequences.length).toBe(when === 'before' ? 10 : 30);
    },
  );

  it('does not pull the feed while too many appends are not acknowledged', async () => {
    const { signal, ...ports } = world();
    let pulled = 0;
    const feed: MarketFeed = {
      name: 'eager',
      venues,
      async *open() {
        for (let i = 0; i < 20; i++) {
          pulled++;
          yield ticks(1 + 10 * i);
        }
      },
    };
    const stuck = new Proxy(ports.log, {
      get: (of, name) => (name === 'declareTopic' ? () => new Promise(() => {}) : Reflect.get(of, name)),
    });
    void new RecordFeed(feed, { ...ports, log: stuck }, { ...RECORD_OPTIONS, appendsInFlightMax: 3 }).run(signal);
    await ports.scheduler.advance(100);
    expect(pulled).toBe(3);
  });

  it('opens a feed again that lost its venue', async () => {
    const { signal, ...ports } = world();
    let opened = 0;
    const feed: MarketFeed = {
      name: 'flaky',
      venues,
      async *open() {
        opened++;
        yield ticks(10 * opened);
        if (opened < 3) throw new PortError('disconnected', 'gone', {}, { retryable: true });
      },
    };
    const recorder = new RecordFeed(feed, ports);
    const running = recorder.run(signal);
    await ports.scheduler.advance(10_000);
    expect(await running).toMatchObject({ state: 'finished', acknowledgedTicks: 30 });
  });

  it('fails where the feed or the log can never go on, and says why', async () => {
    const { signal, ...ports } = world();
    const feed: MarketFeed = {
      name: 'wrong',
      venues,
      async *open() {
        yield ticks(1);
        throw new PortError('misconfigured', 'DIR is missing');
      },
    };
    const recorder = new RecordFeed(feed, ports);
    await expect(recorder.run(signal)).rejects.toMatchObject({ kind: 'misconfigured' });
    expect(recorder.status).toMatchObject({
      state: 'failed',
      error: { message: 'DIR is missing' },
      acknowledgedTicks: 10,
    });
  });

  it('record.failed-append: is noticed at once, though the feed brings nothing more', async () => {
    const { signal, ...ports } = world();
    let wasTold = false;
    const feed: MarketFeed = {
      name: 'quiet',
      venues,
      async *open(until) {
        yield ticks(1);
        await new Promise<void>((resolve) => until.addEventListener('abort', () => resolve()));
        wasTold = true;
      },
    };
    const append: TickLog['append'] = async () => {
      throw new PortError('topic-recreated', 'the topic was made anew');
    };
    const recorder = new RecordFeed(feed, { ...ports, log: Object.assign(ports.log, { append }) });
    await expect(recorder.run(signal)).rejects.toMatchObject({ kind: 'topic-recreated' });
    expect(recorder.status).toMatchObject({ state: 'failed', error: { message: 'the topic was made anew' } });
    expect(wasTold).toBe(true);
  });

  it('record.blocked: says that the log does not take its ticks, and why, until it does', async () => {
    const { signal, ...ports } = world();
    const recorder = new RecordFeed(new MemoryMarketFeed([ticks(1)]), {
      ...ports,
      log: failing(ports.log, [1, 2], 'before'),
    });
    const running = recorder.run(signal);
    await ports.scheduler.advance(50);
    expect(recorder.status).toMatchObject({ state: 'blocked', error: { message: 'no' } });
    await ports.scheduler.advance(1_000);
    expect(await running).toMatchObject({ state: 'finished', error: null });
  });

  it('record.outage: is two lines, one at its beginning and one with counts at its end, for all topics', async () => {
    const { signal, ...ports } = world();
    const events: FeedEvent[] = [ticks(1), { kind: 'ticks', batch: quoteBatch({ count: 4 }) }];
    const recorder = new RecordFeed(new MemoryMarketFeed(events), {
      ...ports,
      log: failing(ports.log, [1, 2, 3, 4, 5, 6], 'before'),
    });
    const running = recorder.run(signal);
    await ports.scheduler.advance(5_000);
    await running;
    const [begins, ends, ...more] = ports.telemetry.lines;
    expect(begins).toMatchObject({
      level: 'warn',
      message: 'the log takes no appends; they are tried again until it does',
      fields: { kind: 'unavailable', error: 'no' },
    });
    expect(ends).toMatchObject({
      level: 'info',
      message: 'the log takes appends again',
      fields: { outageMs: 700, appends: 2, failedAttempts: 6, topics: 2 },
    });
    expect(more).toEqual([]);
  });

  it('record.outage: that lasts until the end says how much is given up', async () => {
    const { signal: _, ...ports } = world();
    const stopping = new AbortController();
    const log = failing(
      ports.log,
      Array.from({ length: 50 }, (_, i) => i + 1),
      'before',
    );
    const running = new RecordFeed(new MemoryMarketFeed([ticks(1)]), { ...ports, log }).run(stopping.signal);
    await ports.scheduler.advance(50);
    stopping.abort();
    await ports.scheduler.advance(50);
    await running;
    expect(ports.telemetry.lines.at(-1)).toMatchObject({
      level: 'warn',
      message: 'appends that the log did not take are given up',
      fields: { appends: 1, topics: 1 },
    });
  });

  it('stops when told to, also while the log is away', async () => {
    const ports = world();
    const stop = new AbortController();
    const log = failing(
      ports.log,
      Array.from({ length: 100 }, (_, i) => i),
      'before',
    );
    const recorder = new RecordFeed(new MemoryMarketFeed([ticks(1)]), {
      ...ports,
      log,
    });
    const running = recorder.run(stop.signal);
    await ports.scheduler.advance(1_000);
    stop.abort();
    expect(await running).toMatchObject({ state: 'stopped', acknowledgedTicks: 0 });
  });

  it('leaves away what another line has recorded, and says it is there', async () => {
    const { signal, ...ports } = world();
    const dedup = new MemoryDedupStore({ clock: ports.clock, windowMs: 60_000 });
    const lines = [new MemoryMarketFeed([ticks(1), ticks(11)]), new MemoryMarketFeed([ticks(6), ticks(16)])];
    const statuses = [];
    for (const feed of lines) statuses.push(await new RecordFeed(feed, { ...ports, dedup }).run(signal));
    expect(await sequencesIn(ports.log, TRADES)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
    expect(statuses.map(({ acknowledgedTicks }) => acknowledgedTicks)).toEqual([20, 20]);
  });

  it('keeps the order of the feed, whichever lookup is answered first', async () => {
    const { signal, ...ports } = world();
    const dedup = new MemoryDedupStore({ clock: ports.clock, windowMs: 60_000 });
    const answers: (() => void)[] = [];
    dedup.seen = (ids) =>
      new Promise((resolve) => {
        // The last one asked is answered first.
        answers.unshift(() => resolve(new Uint8Array(ids.length)));
        if (answers.length === 3) answers.forEach((answer, turn) => setTimeout(answer, turn));
      });
    const feed = new MemoryMarketFeed([ticks(1), ticks(11), ticks(21)]);
    await new RecordFeed(feed, { ...ports, dedup }).run(signal);
    expect(await sequencesIn(ports.log, TRADES)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  });
});
