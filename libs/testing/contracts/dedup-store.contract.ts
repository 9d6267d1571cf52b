import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DedupStore } from '@k2/ports';

export interface DedupStoreHarness {
  readonly store: DedupStore;
  /** Its window is `DEDUP_WINDOW_MS`; shares its ids with `another`, where `shared` says so. */
  another(): Promise<DedupStore>;
  /** Lets time pass, where `manualTime` says that it can. */
  passMs?(ms: number): void;
  close(): Promise<void>;
}

export interface DedupStoreCapabilities {
  /** Other stores see what one remembers. */
  readonly shared: boolean;
  readonly manualTime: boolean;
}

/** The window of the stores that the contract asks for. */
export const DEDUP_WINDOW_MS = 600_000;

const AWKWARD_IDS = [
  '',
  ' ',
  'ASX/BHP/2014-03-10/1',
  'ASX/BHP/2014-03-10/1 ',
  'ASX/BHP/2014-03-10/10',
  'asx/bhp/2014-03-10/1',
  'A%2FB/\u{1F600}/\uFFFD/1',
  'line\r\nbreak',
  'nul\0nul',
  '*',
  'x'.repeat(10_000),
  `${'x'.repeat(10_000)}y`,
];

const numbered = (prefix: string, count: number, first = 0) =>
  Array.from({ length: count }, (_, i) => `${prefix}/${first + i}`);

/** What every DedupStore does, whatever it is made of. `create` gives an empty store each time. */
export function dedupStoreContract(
  name: string,
  { create, capabilities }: { create(): Promise<DedupStoreHarness>; readonly capabilities: DedupStoreCapabilities },
): void {
  describe(`DedupStore: ${name}`, () => {
    let harness: DedupStoreHarness;
    let store: DedupStore;
    beforeEach(async () => {
      harness = await create();
      store = harness.store;
    });
    afterEach(() => harness.close());

    const seen = async (ids: readonly string[], by: DedupStore = store) => [...(await by.seen(ids))];

    it('1 has seen what it was told to remember, and nothing else, in the order asked', async () => {
      expect(await seen(['a', 'b'])).toEqual([0, 0]);
      await store.remember(['b', 'c']);
      expect(await seen(['a', 'b', 'c', 'd'])).toEqual([0, 1, 1, 0]);
      expect(await seen(['d', 'c', 'b', 'a'])).toEqual([0, 1, 1, 0]);
    });

    it('2 does not remember by being asked', async () => {
      expect(await seen(['a'])).toEqual([0]);
      expect(await seen(['a'])).toEqual([0]);
    });

    it('3 takes no ids, and one id many times', async () => {
      await store.remember([]);
      expect(await store.seen([])).toEqual(new Uint8Array(0));
      await store.remember(['a', 'a']);
      await store.remember(['a']);
      expect(await seen(['a', 'b', 'a'])).toEqual([1, 0, 1]);
    });

    it('4 tells ids apart that look alike', async () => {
      for (const [i, id] of AWKWARD_IDS.entries()) {
        expect(await seen(AWKWARD_IDS)).toEqual(AWKWARD_IDS.map((_, at) => (at < i ? 1 : 0)));
        await store.remember([id]);
      }
      expect(await seen(AWKWARD_IDS)).toEqual(AWKWARD_IDS.map(() => 1));
    });

    it('5 never has seen what it was not told, among a hundred thousand', async () => {
      const told = numbered('told', 50_000);
      await store.remember(told);
      expect((await store.seen(told)).every((byte) => byte === 1)).toBe(true);
      expect((await store.seen(numbered('not', 50_000))).every((byte) => byte === 0)).toBe(true);
    }, 30_000);

    it('6 answers many who ask at once, each their own', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, i) => store.remember(numbered(`p${i}`, 100))));
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => seen(numbered(`p${i}`, 200, i))));
      answers.forEach((answer, i) => {
        expect(answer).toEqual(Array.from({ length: 200 }, (_, at) => (i + at < 100 ? 1 : 0)));
      });
    });

    it('7 is closed once it was closed', async () => {
      const waiting = store.remember(['a']);
      await Promise.all([waiting, store.close()]);
      await store.close();
      await expect(store.seen(['a'])).rejects.toMatchObject({ kind: 'closed' });
      await expect(store.remember(['a'])).rejects.toMatchObject({ kind: 'closed' });
    });

    if (capabilities.shared) {
      it('8 has seen what another process remembered', async () => {
        const other = await harness.another();
        await store.remember(['a', 'b']);
        await other.remember(['b', 'c']);
        expect(await seen(['a', 'b', 'c', 'd'])).toEqual([1, 1, 1, 0]);
        expect(await seen(['a', 'b', 'c', 'd'], other)).toEqual([1, 1, 1, 0]);
      });
    }

    if (capabilities.manualTime) {
      it('9 forgets when the window has passed', async () => {
        await store.remember(['a']);
        harness.passMs!(DEDUP_WINDOW_MS - 1);
        await store.remember(['b']);
        expect(await seen(['a', 'b'])).toEqual([1, 1]);
        harness.passMs!(1);
        expect(await seen(['a', 'b'])).toEqual([0, 1]);
      });

      it('10 counts the window from the last time it was told', async () => {
        await store.remember(['a', 'b']);
        harness.passMs!(DEDUP_WINDOW_MS / 2);
        await store.remember(['a']);
        harness.passMs!(DEDUP_WINDOW_MS / 2);
        expect(await seen(['a', 'b'])).toEqual([1, 0]);
      });
    }
  });
}
