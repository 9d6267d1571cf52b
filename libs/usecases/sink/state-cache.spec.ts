import { ManualClock, MemoryTickStore, SeededRandom } from '@k2/adapter-memory';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import type { SeriesState } from '@k2/domain/sequencing';
import type { PartitionClaim, StateMove, TickStore } from '@k2/ports';
import { StateCache } from './state-cache.ts';

const state = (nextSequence: number): SeriesState => ({
  generation: 0,
  openedTimeUs: 0,
  lastEventTimeUs: 0,
  trackedFrom: 1,
  forgotten: false,
  nextSequence,
  missing: [],
});

/** A store whose answers to questions about states wait for `answer`, while commits go through. */
class SlowStore {
  private readonly clock = new ManualClock();
  readonly store = new MemoryTickStore({ clock: this.clock, random: new SeededRandom(1, this.clock) });
  private claims: readonly PartitionClaim[] | null = null;
  private waiting: (() => void)[] = [];
  slow = false;

  get asSeen(): TickStore {
    const askState: TickStore['state'] = async (keys) => {
      const answer = await this.store.state(keys);
      if (this.slow) await new Promise<void>((resolve) => this.waiting.push(resolve));
      return answer;
    };
    return new Proxy<TickStore>(this.store, {
      get: (of, name) => {
        if (name === 'state') return askState;
        const member: unknown = Reflect.get(of, name);
        return typeof member === 'function' ? member.bind(of) : member;
      },
    });
  }

  answer(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  async commit(changes: ReadonlyMap<string, StateMove>): Promise<void> {
    await this.store.ensureTables(RECORD_SCHEMAS);
    this.claims ??= await this.store.claim('w', [
      { ...P, topicId: 'i' },
      { ...Q, topicId: 'i' },
    ]);
    const staged = await this.store.stage({ ticks: [], gaps: [], sessions: [], quarantine: [] });
    const partitions = this.claims.map((claim) => ({ claim, nextOffset: claim.nextOffset + 1 }));
    this.claims = (await this.store.commit(staged, { partitions, state: changes })).claims;
  }
}

const limits = (statesMax: number) => ({ statesMax, refusedIdsMax: 1_024 });

const P = { topic: 'p', partition: 0 };
const Q = { topic: 'q', partition: 0 };

/** Rows of the partition take series up to the numbers given. */
async function sequenced(
  cache: StateCache,
  partition: typeof P,
  next: Readonly<Record<string, number>>,
): Promise<void> {
  await cache.load(partition, Object.keys(next));
  cache.update(partition, new Map(Object.entries(next).map(([key, sequence]) => [key, state(sequence)])));
}

describe('StateCache', () => {
  it('state-cache.evicted-while-loading: a known series stays known when a commit lands while another is loaded', async () => {
    const slow = new SlowStore();
    const cache = new StateCache(slow.asSeen, limits(1));
    await sequenced(cache, P, { known: 501 });
    const first = cache.takeChanges().get('p/0')!;
    await slow.commit(first.changes);
    first.committed();
    await sequenced(cache, P, { other: 7 });
    const second = cache.takeChanges().get('p/0')!;
    await slow.commit(second.changes);

    slow.slow = true;
    const loading = cache.load(P, ['known', 'third']);
    await new Promise((resolve) => setImmediate(resolve));
    // The commit that lands evicts 'known' from a cache of one state.
    second.committed();
    slow.answer();
    expect((await loading).states).toEqual(new Map([['known', state(501)]]));

    slow.slow = false;
    expect((await cache.load(P, ['known', 'other', 'third'])).states).toEqual(
      new Map([
        ['known', state(501)],
        ['other', state(7)],
      ]),
    );
  });

  it('keeps what is not committed, however many there are', async () => {
    const cache = new StateCache(new SlowStore().asSeen, limits(1));
    await sequenced(cache, P, { a: 1, b: 2, c: 3 });
    const states = new Map(['a', 'b', 'c'].map((key, at) => [key, state(at + 1)] as const));
    expect((await cache.load(P, ['a', 'b', 'c'])).states).toEqual(states);
  });

  it('forgets what the rows of one partition changed, and what a commit under way had stored of it is asked for', async () => {
    const slow = new SlowStore();
    const cache = new StateCache(slow.asSeen, limits(10));
    await sequenced(cache, P, { a: 5 });
    await sequenced(cache, Q, { b: 7 });
    const first = cache.takeChanges();
    await slow.commit(new Map([...first.get('p/0')!.changes, ...first.get('q/0')!.changes]));
    await sequenced(cache, P, { a: 9 });
    await sequenced(cache, Q, { b: 11 });
    for (const changes of first.values()) changes.committed();
    cache.forget('p/0');
    expect((await cache.load(P, ['a', 'b'])).states).toEqual(
      new Map([
        ['a', state(5)],
        ['b', state(11)],
      ]),
    );
    expect([...cache.takeChanges().keys()]).toEqual(['q/0']);
  });

  it('state-cache.goes-back: a series that would begin anew while its state is known is a fault, not a fact', async () => {
    const cache = new StateCache(new SlowStore().asSeen, limits(10));
    await sequenced(cache, P, { a: 501 });
    await expect(sequenced(cache, P, { a: 2 })).rejects.toThrow(/series a would go back/);
  });

  it('state-cache.not-loaded: a series that was not loaded has no state to go on from', () => {
    const cache = new StateCache(new SlowStore().asSeen, limits(10));
    expect(() => cache.update(P, new Map([['a', state(2)]]))).toThrow(
      /series a would be changed, and its state was not/,
    );
  });
});
