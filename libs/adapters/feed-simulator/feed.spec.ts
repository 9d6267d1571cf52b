import { describe, expect, it } from '@jest/globals';
import type { FeedEvent } from '@k2/ports';
import { SimulatorFeed } from './feed.ts';
import type { SimulatorConfig } from './options.ts';
import { TestTime } from './test-support/test-time.ts';

describe('SimulatorFeed', () => {
  it.each([1, 700, 40_000])('gives %d ticks a second of the clock, none before its time', async (rate) => {
    const time = new TestTime();
    const startUs = time.nowUs();
    const ticks = rate * 5;
    let rows = 0;
    for await (const event of feedOf({ rate, ticks }, time).open(new AbortController().signal)) {
      if (event.kind !== 'ticks') continue;
      rows += event.batch.rowCount;
      expect(Math.max(...event.batch.eventTimeUs)).toBeLessThanOrEqual(time.nowUs());
    }
    expect(rows).toBe(ticks);
    const elapsedS = (time.nowUs() - startUs) / 1e6;
    expect(elapsedS).toBeGreaterThan(5 - 1.1 / Math.min(rate, 10));
    expect(elapsedS).toBeLessThan(6.1);
  });

  it('at max from now, keeps venue time with the clock', async () => {
    const time = new TestTime();
    let previousUs = 0;
    for await (const event of feedOf({ rate: 'max', ticks: 200_000 }, time).open(new AbortController().signal)) {
      if (event.kind !== 'ticks') continue;
      const latestUs = event.batch.eventTimeUs.at(-1)!;
      expect(latestUs).toBeLessThanOrEqual(time.nowUs());
      previousUs = Math.max(previousUs, latestUs);
    }
    expect(time.nowUs() - previousUs).toBeLessThan(10_000);
  });

  it('a batch does not wait longer than batchMs for its rows', async () => {
    const time = new TestTime();
    for await (const event of feedOf({ rate: 2_000, ticks: 4_000, batchMs: 100 }, time).open(
      new AbortController().signal,
    )) {
      if (event.kind === 'ticks') expect(time.nowUs() - event.batch.eventTimeUs[0]).toBeLessThan(110_000);
    }
  });

  it('a restart is a new session of every venue', async () => {
    const feed = feedOf({ rate: 'max', ticks: 1_000 }, new TestTime());
    const sessions = async () =>
      new Set((await all(feed)).flatMap((event) => (event.kind === 'session' ? [event.session] : [])));
    const [one, two] = [await sessions(), await sessions()];
    expect(one.size).toBe(1);
    expect([...one][0]).toMatch(/^2026-01-05T\d{6}\.\d{6}$/);
    expect([...two]).not.toEqual([...one]);
  });

  it('keeps the session label it is given', async () => {
    const events = await all(feedOf({ rate: 'max', ticks: 1_000, session: 'MONDAY' }, new TestTime()));
    const labels = events.flatMap((event) =>
      event.kind === 'ticks' ? event.batch.series.map(({ session }) => session) : [],
    );
    expect(new Set(labels)).toEqual(new Set(['MONDAY']));
  });

  it('when aborted, gives what it has made: its ledger is what was received', async () => {
    const feed = feedOf({ rate: 'max', late: 0.01, duplicates: 0.01, reorder: 0.01 }, new TestTime());
    const controller = new AbortController();
    let rows = 0;
    for await (const event of feed.open(controller.signal)) {
      if (event.kind !== 'ticks') continue;
      rows += event.batch.rowCount;
      if (rows > 100_000) controller.abort();
    }
    expect(feed.ledger?.sentTicks).toBe(rows);
  });

  it('tells that it lives while it is paced', async () => {
    const events = await all(feedOf({ rate: 10, ticks: 50 }, new TestTime()));
    expect(events.filter(({ kind }) => kind === 'heartbeat').length).toBeGreaterThanOrEqual(4 * 3);
    expect(events.filter(({ kind }) => kind === 'connected').length).toBe(4);
  });
});

function feedOf(config: Partial<SimulatorConfig>, time: TestTime): SimulatorFeed {
  return new SimulatorFeed(config, { clock: time, scheduler: time });
}

async function all(feed: SimulatorFeed): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  for await (const event of feed.open(new AbortController().signal)) events.push(event);
  return events;
}
