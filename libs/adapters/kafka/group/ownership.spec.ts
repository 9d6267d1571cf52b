import { beforeEach, describe, expect, it } from '@jest/globals';
import type { AssignmentListener, TopicPartition } from '@k2/ports';
import { scheduler } from '../test-support/real-time.ts';
import { Ownership } from './ownership.ts';

const P = (partition: number): TopicPartition => ({ topic: 't', partition });
const numbers = (partitions: readonly TopicPartition[]) => partitions.map(({ partition }) => partition);

describe('Ownership', () => {
  let told: string[];
  let handOver: Promise<void>;
  let releases: number;
  let refusals: unknown[];
  let listener: AssignmentListener;
  beforeEach(() => {
    told = [];
    handOver = Promise.resolve();
    releases = 0;
    refusals = [];
    listener = {
      assigned: async (partitions) => void told.push(`+${numbers(partitions).join()}`),
      revoked: async (partitions) => {
        told.push(`-${numbers(partitions).join()}`);
        await handOver;
        told.push(`gone ${numbers(partitions).join()}`);
      },
    };
  });

  const ownership = (handOverWaitMs = 60_000) =>
    new Ownership(listener, {
      scheduler,
      handOverWaitMs,
      released: () => releases++,
      refused: (failure) => refusals.push(failure),
    });

  it('takes away before it gives, and asks for the next round when something was given up', async () => {
    const own = ownership();
    own.moveTo([P(0), P(1)]);
    await settled();
    own.moveTo([P(1), P(2)]);
    await settled();
    expect(told).toEqual(['+0,1', '-0', 'gone 0', '+2']);
    expect(releases).toBe(1);
    await own.end();
    expect(told.slice(4)).toEqual(['-1,2', 'gone 1,2']);
  });

  it('tells the listener only of where it came to in the end', async () => {
    const own = ownership();
    own.moveTo([P(0)]);
    own.moveTo([P(1)]);
    await settled();
    expect(told).toEqual(['+1']);
    // The group thinks that partition 0 is ours.
    expect(releases).toBe(1);
  });

  it('claims what the listener has not given up yet, whatever the group says meanwhile', async () => {
    const own = ownership();
    own.moveTo([P(0), P(1)]);
    await settled();
    let giveUp = () => {};
    handOver = new Promise((resolve) => (giveUp = resolve));
    own.moveTo([P(0)]);
    await settled();
    expect(numbers(own.claimed)).toEqual([0, 1]);
    expect(releases).toBe(0);
    giveUp();
    await settled();
    expect(numbers(own.claimed)).toEqual([0]);
    expect(releases).toBe(1);
  });

  it('claims nothing once it was put out, gives all up, and takes anew only after that', async () => {
    const own = ownership();
    own.moveTo([P(0), P(1)]);
    await settled();
    own.loseAll();
    expect(own.claimed).toEqual([]);
    expect(own.holds(P(0))).toBe(false);
    own.moveTo([P(1)]);
    await settled();
    expect(told).toEqual(['+0,1', '-0,1', 'gone 0,1', '+1']);
    expect(releases).toBe(0);
  });

  it('does not wait for ever for a listener that gives nothing up', async () => {
    const own = ownership(1);
    own.moveTo([P(0)]);
    await settled();
    handOver = new Promise(() => {});
    await own.end();
    expect(own.claimed).toEqual([]);
  });

  it('says when the listener did not take its partitions', async () => {
    listener = { ...listener, assigned: () => Promise.reject(new Error('no')) };
    const own = ownership();
    own.moveTo([P(0)]);
    await settled();
    expect(refusals).toEqual([new Error('no')]);
    expect(own.holds(P(0))).toBe(false);
  });
});

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await scheduler.yield();
}
