import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isPortError, type CatalogChange, type PartitionClaim, type StateMove, type TableCatalog } from '@k2/ports';

export interface TableCatalogHarness {
  readonly catalog: TableCatalog;
  /** A second catalog over the same database, as another process would open it. */
  another(): Promise<TableCatalog>;
  close(): Promise<void>;
}

const TOPIC = { topic: 'market.equities.trades.asx', topicId: 'id-1' };
const TRADES = 'market.trades';
const QUOTES = 'market.quotes';

/** What every TableCatalog does, whatever it is made of. `create` gives an empty catalog each time. */
export function tableCatalogContract(name: string, { create }: { create(): Promise<TableCatalogHarness> }): void {
  describe(`TableCatalog: ${name}`, () => {
    let harness: TableCatalogHarness;
    let catalog: TableCatalog;
    let changes = 0;
    beforeEach(async () => {
      harness = await create();
      catalog = harness.catalog;
    });
    afterEach(() => harness.close());

    const change = (parts: Partial<CatalogChange>): CatalogChange => ({
      changeId: `change-${++changes}`,
      committedUs: changes,
      tables: [],
      progress: [],
      state: new Map(),
      ...parts,
    });
    const own = (value: string | null, was: StateMove['was'] = 'absent', partition = 0): StateMove => ({
      value,
      owner: { topic: TOPIC.topic, partition },
      was,
    });
    const pointer = (table: string, expected: string | null, next: string) => ({ table, expected, next });
    const claimOne = async (writer: string, partition = 0): Promise<PartitionClaim> =>
      (await catalog.claim(writer, [{ ...TOPIC, partition }]))[0];
    const everything = async () => ({
      tables: await catalog.tables(),
      progress: await catalog.progress(),
      state: await catalog.state(['a', 'b']),
    });

    it('1 starts empty', async () => {
      expect(await everything()).toEqual({ tables: new Map(), progress: [], state: new Map() });
      expect(await catalog.metadataLocation(TRADES)).toBeNull();
      expect(await catalog.committed('never')).toBe(false);
    });

    it('2 creates tables and moves their pointers', async () => {
      await catalog.apply(change({ tables: [pointer(TRADES, null, 'file:///t/1.json'), pointer(QUOTES, null, 'q1')] }));
      await catalog.apply(change({ tables: [pointer(TRADES, 'file:///t/1.json', 'file:///t/2.json')] }));
      expect(await catalog.metadataLocation(TRADES)).toBe('file:///t/2.json');
      expect(await catalog.tables()).toEqual(
        new Map([
          [QUOTES, 'q1'],
          [TRADES, 'file:///t/2.json'],
        ]),
      );
    });

    it('3 refuses a pointer that is not the expected one, and names both', async () => {
      await catalog.apply(change({ tables: [pointer(TRADES, null, 't1')] }));
      const wrong = [pointer(TRADES, null, 't2'), pointer(TRADES, 't0', 't2'), pointer(QUOTES, 'q0', 'q1')];
      for (const move of wrong) {
        await expect(catalog.apply(change({ tables: [move] }))).rejects.toMatchObject({
          kind: 'commit-conflict',
          retryable: true,
          context: { table: move.table, expected: move.expected },
        });
      }
      expect(await catalog.tables()).toEqual(new Map([[TRADES, 't1']]));
    });

    it('4 lets one of twenty racing commits win', async () => {
      await catalog.apply(change({ tables: [pointer(TRADES, null, 't0')] }));
      const other = await harness.another();
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) =>
          (i % 2 === 0 ? catalog : other).apply(change({ tables: [pointer(TRADES, 't0', `t-${i}`)] })),
        ),
      );
      const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(await catalog.metadataLocation(TRADES)).toBe(`t-${winners[0]}`);
      const losses = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason as unknown);
      for (const loss of losses) expect(loss).toMatchObject({ kind: 'commit-conflict' });
    });

    it('5 applies all of a change or nothing: one wrong pointer among many', async () => {
      const claim = await claimOne('w');
      await catalog.apply(
        change({
          tables: [pointer(TRADES, null, 't1')],
          progress: [{ claim, nextOffset: 1 }],
          state: new Map([['a', own('before')]]),
        }),
      );
      const before = await everything();
      const bad = change({
        tables: [pointer(TRADES, 't1', 't2'), pointer('audit.sessions', null, 's1'), pointer(QUOTES, 'q0', 'q1')],
        progress: [{ claim: { ...claim, nextOffset: 1 }, nextOffset: 5 }],
        state: new Map([
          ['a', own('after', 'own')],
          ['b', own('new')],
        ]),
      });
      await expect(catalog.apply(bad)).rejects.toMatchObject({ kind: 'commit-conflict' });
      expect(await everything()).toEqual(before);
      expect(await catalog.committed(bad.changeId)).toBe(false);
    });

    it('6 applies all of a change or nothing: one wrong claim among many', async () => {
      const claims = await catalog.claim('w', [
        { ...TOPIC, partition: 0 },
        { ...TOPIC, partition: 1 },
      ]);
      const before = await everything();
      const bad = change({
        tables: [pointer(TRADES, null, 't1')],
        progress: [
          { claim: claims[0], nextOffset: 5 },
          { claim: { ...claims[1], nextOffset: 3 }, nextOffset: 5 },
        ],
        state: new Map([['a', own('after')]]),
      });
      await expect(catalog.apply(bad)).rejects.toMatchObject({ kind: 'progress-mismatch' });
      expect(await everything()).toEqual(before);
    });

    it('7 moves progress with the tables, from claim to claim', async () => {
      const claim = await claimOne('w');
      expect(claim).toMatchObject({ ...TOPIC, partition: 0, nextOffset: 0 });
      await catalog.apply(change({ tables: [pointer(TRADES, null, 't1')], progress: [{ claim, nextOffset: 7 }] }));
      expect(await catalog.progress()).toEqual([{ ...TOPIC, partition: 0, nextOffset: 7 }]);
      await catalog.apply(change({ progress: [{ claim: { ...claim, nextOffset: 7 }, nextOffset: 9 }] }));
      expect(await claimOne('w')).toMatchObject({ nextOffset: 9 });
    });

    it('8 never moves progress twice from the same place, nor backwards', async () => {
      const claim = await claimOne('w');
      await catalog.apply(change({ progress: [{ claim, nextOffset: 7 }] }));
      const wrong = [
        { claim, nextOffset: 9 },
        { claim: { ...claim, nextOffset: 7 }, nextOffset: 6 },
        { claim: { ...claim, nextOffset: 8 }, nextOffset: 9 },
        { claim: { ...claim, nextOffset: 7, topicId: 'id-2' }, nextOffset: 9 },
      ];
      for (const move of wrong) {
        await expect(catalog.apply(change({ progress: [move] }))).rejects.toMatchObject({ kind: 'progress-mismatch' });
      }
      expect(await catalog.progress()).toEqual([{ ...TOPIC, partition: 0, nextOffset: 7 }]);
    });

    it('9 fences a writer whose partition was claimed later, even where its pointers are stale too', async () => {
      const zombie = await claimOne('zombie');
      const successor = await claimOne('successor');
      expect(successor.epoch).toBeGreaterThan(zombie.epoch);
      await catalog.apply(
        change({ tables: [pointer(TRADES, null, 't1')], progress: [{ claim: successor, nextOffset: 4 }] }),
      );
      const late = change({ tables: [pointer(TRADES, null, 'z1')], progress: [{ claim: zombie, nextOffset: 2 }] });
      await expect(catalog.apply(late)).rejects.toMatchObject({ kind: 'fenced', retryable: false });
      expect(await catalog.metadataLocation(TRADES)).toBe('t1');
      expect(await catalog.progress()).toEqual([{ ...TOPIC, partition: 0, nextOffset: 4 }]);
    });

    it('10 fences by partition: a claim of one leaves the others', async () => {
      const [first, second] = await catalog.claim('a', [
        { ...TOPIC, partition: 0 },
        { ...TOPIC, partition: 1 },
      ]);
      await claimOne('b', 1);
      await catalog.apply(change({ progress: [{ claim: first, nextOffset: 1 }] }));
      await expect(catalog.apply(change({ progress: [{ claim: second, nextOffset: 1 }] }))).rejects.toMatchObject({
        kind: 'fenced',
      });
    });

    it('11 never takes a recreated topic for the one whose offsets it has', async () => {
      const claim = await claimOne('w');
      await catalog.apply(change({ progress: [{ claim, nextOffset: 500 }] }));
      const recreated = { topic: TOPIC.topic, partition: 0, topicId: 'id-2' };
      await expect(catalog.claim('w', [recreated])).rejects.toMatchObject({
        kind: 'progress-mismatch',
        message: expect.stringMatching(/id-1.*id-2|id-2.*id-1/),
      });
      // The refused claim has not fenced the writer of the old topic.
      await catalog.apply(change({ progress: [{ claim: { ...claim, nextOffset: 500 }, nextOffset: 501 }] }));
    });

    it('12 takes a recreated topic of which nothing was committed', async () => {
      await claimOne('w');
      const [claim] = await catalog.claim('w', [{ topic: TOPIC.topic, partition: 0, topicId: 'id-2' }]);
      expect(claim).toMatchObject({ topicId: 'id-2', nextOffset: 0 });
      await catalog.apply(change({ progress: [{ claim, nextOffset: 1 }] }));
    });

    it('13 keeps small values with the partition that they are of, replaces and removes them', async () => {
      const owner = { topic: TOPIC.topic, partition: 0 };
      const claim = await claimOne('w');
      await catalog.apply(
        change({
          progress: [{ claim, nextOffset: 1 }],
          state: new Map([
            ['a', own('1')],
            ['b', own('')],
          ]),
        }),
      );
      expect(await catalog.state(['a', 'b', 'c'])).toEqual(
        new Map([
          ['a', { value: '1', owner }],
          ['b', { value: '', owner }],
        ]),
      );
      await catalog.apply(
        change({
          progress: [{ claim: { ...claim, nextOffset: 1 }, nextOffset: 2 }],
          state: new Map([
            ['a', own(null, 'own')],
            ['b', own('2', 'own')],
            ['c', own(null)],
          ]),
        }),
      );
      expect(await catalog.state(['a', 'b', 'c'])).toEqual(new Map([['b', { value: '2', owner }]]));
    });

    it('14 says whether a change took effect, and takes it once', async () => {
      const applied = change({ tables: [pointer(TRADES, null, 't1')] });
      expect(await catalog.committed(applied.changeId)).toBe(false);
      await catalog.apply(applied);
      expect(await catalog.committed(applied.changeId)).toBe(true);
      await catalog.apply(change({ tables: [pointer(TRADES, 't1', 't2')] }));
      await catalog.apply(applied);
      expect(await catalog.metadataLocation(TRADES)).toBe('t2');
    });

    it('15 remembers the last 1,000 changes', async () => {
      const first = change({});
      await catalog.apply(first);
      for (let i = 0; i < 999; i++) await catalog.apply(change({}));
      expect(await catalog.committed(first.changeId)).toBe(true);
    }, 60_000);

    it('16 shows everything to another catalog over the same database', async () => {
      const claim = await claimOne('w');
      const applied = change({
        tables: [pointer(TRADES, null, 't1')],
        progress: [{ claim, nextOffset: 3 }],
        state: new Map([['a', own('1')]]),
      });
      await catalog.apply(applied);
      const other = await harness.another();
      expect(await other.tables()).toEqual(new Map([[TRADES, 't1']]));
      expect(await other.progress()).toEqual([{ ...TOPIC, partition: 0, nextOffset: 3 }]);
      expect(await other.state(['a'])).toEqual(
        new Map([['a', { value: '1', owner: { topic: TOPIC.topic, partition: 0 } }]]),
      );
      expect(await other.committed(applied.changeId)).toBe(true);
    });

    it('17 takes commits in the order of their times only, whatever their tables and whoever made them', async () => {
      expect(await catalog.lastCommitUs()).toBeNull();
      await catalog.apply(change({ tables: [pointer(TRADES, null, 't1')], committedUs: 1_000 }));
      const behind = await harness.another();
      const claim = await claimOne('w');
      for (const committedUs of [999, 1_000]) {
        const late = change({
          tables: [pointer(QUOTES, null, 'q1')],
          progress: [{ claim, nextOffset: 1 }],
          committedUs,
        });
        await expect(behind.apply(late)).rejects.toMatchObject({
          kind: 'commit-conflict',
          retryable: true,
          context: { committedUs, lastCommitUs: 1_000 },
        });
        expect(await behind.committed(late.changeId)).toBe(false);
      }
      expect(await behind.metadataLocation(QUOTES)).toBeNull();
      expect(await behind.progress()).toMatchObject([{ nextOffset: 0 }]);
      expect(await behind.lastCommitUs()).toBe(1_000);
      await behind.apply(change({ tables: [pointer(QUOTES, null, 'q1')], committedUs: 1_001 }));
      expect(await catalog.lastCommitUs()).toBe(1_001);
    });

    it('18 leaves what is pinned at a commit time as it is, under writers of other tables and other clocks', async () => {
      const catalogs = [catalog, await harness.another()];
      const committed = new Map<string, number>();
      const pins: { readonly atUs: number; readonly seen: ReadonlyMap<string, string> }[] = [];
      let writing = 4;
      const write = async (writer: number) => {
        const table = `market.t${writer}`;
        const own = catalogs[writer % 2];
        for (let round = 0, last: string | null = null; round < 10;) {
          const next: string = `${table} ${round}`;
          const clockUs = 1_000_000 + round * 10 - writer * 500;
          const committedUs = Math.max(clockUs, ((await own.lastCommitUs()) ?? 0) + 1);
          try {
            await own.apply(change({ tables: [pointer(table, last, next)], committedUs }));
          } catch (error) {
            if (isPortError(error, 'commit-conflict')) continue;
            throw error;
          }
          committed.set(next, committedUs);
          last = next;
          round++;
        }
        writing--;
      };
      const read = async () => {
        while (writing > 0) {
          const atUs = await catalog.lastCommitUs();
          if (atUs !== null) pins.push({ atUs, seen: await catalog.tables() });
        }
      };
      await Promise.all([0, 1, 2, 3].map(write).concat(read()));
      for (const { atUs, seen } of pins) {
        for (const [next, committedUs] of committed) {
          const location = seen.get(next.split(' ')[0]);
          const seenUs = location === undefined ? -Infinity : committed.get(location)!;
          if (committedUs <= atUs) expect(seenUs).toBeGreaterThanOrEqual(committedUs);
        }
      }
    });

    describe('a state of a series that came to another partition', () => {
      const OLD = { topic: TOPIC.topic, partition: 0 };
      let old: PartitionClaim;
      let grown: PartitionClaim;
      beforeEach(async () => {
        [old, grown] = [await claimOne('a', 0), await claimOne('b', 1)];
        await catalog.apply(change({ progress: [{ claim: old, nextOffset: 1 }], state: new Map([['s', own('1')]]) }));
        old = { ...old, nextOffset: 1 };
      });
      const move = (claim: PartitionClaim, state: StateMove, key = 's') =>
        change({
          tables: [pointer(`market.of${claim.partition}`, null, `t${changes}`)],
          progress: [{ claim, nextOffset: claim.nextOffset + 1 }],
          state: new Map([[key, state]]),
        });
      const refusal = { kind: 'progress-mismatch', retryable: false, context: { key: 's' } };
      const takenOver = (value: string) => own(value, { value: '1', owner: OLD }, 1);
      const refuses = async (refused: CatalogChange) => {
        const before = { ...(await everything()), states: await catalog.state(['s']) };
        await expect((await harness.another()).apply(refused)).rejects.toMatchObject(refusal);
        expect({ ...(await everything()), states: await catalog.state(['s']) }).toEqual(before);
        expect(await catalog.committed(refused.changeId)).toBe(false);
      };

      it('19 is taken over as it was read, and the partition before cannot move it any more', async () => {
        await catalog.apply(move(grown, takenOver('2')));
        expect(await catalog.state(['s'])).toEqual(new Map([['s', { value: '2', owner: { ...OLD, partition: 1 } }]]));
        await refuses(move(old, own('9', 'own')));
        await refuses(move(old, own(null, 'own')));
        await refuses(move(old, own('9')));
      });

      it('20 is not taken over where the partition before has moved it since', async () => {
        await catalog.apply(move(old, own('2', 'own')));
        await refuses(move(grown, takenOver('9')));
        await refuses(move(grown, own('9', 'own', 1)));
        await refuses(move(grown, own('9', 'absent', 1)));
      });

      it('21 is not taken over where it was removed, nor by a partition that the change does not move', async () => {
        await refuses({ ...move(grown, takenOver('9')), progress: [{ claim: old, nextOffset: 2 }] });
        await catalog.apply(move(old, own(null, 'own')));
        await refuses(move(grown, takenOver('9')));
      });

      it('22 goes to one of two that have read it', async () => {
        const third = await claimOne('c', 2);
        const other = await harness.another();
        const outcomes = await Promise.allSettled([
          catalog.apply(move(grown, takenOver('of 1'))),
          other.apply(move(third, own('of 2', { value: '1', owner: OLD }, 2))),
          catalog.apply(move(old, own('of 0', 'own'))),
        ]);
        const landed = outcomes.flatMap(({ status }, at) => (status === 'fulfilled' ? [`of ${[1, 2, 0][at]}`] : []));
        expect(landed).toHaveLength(1);
        expect((await catalog.state(['s'])).get('s')!.value).toBe(landed[0]);
      });

      it('23 is made by one of twenty that found none', async () => {
        const claims = await catalog.claim(
          'w',
          Array.from({ length: 20 }, (_, i) => ({ ...TOPIC, partition: 10 + i })),
        );
        const other = await harness.another();
        const outcomes = await Promise.allSettled(
          claims.map((claim, i) =>
            (i % 2 === 0 ? catalog : other).apply(
              change({
                committedUs: 1_000 + changes,
                progress: [{ claim, nextOffset: 1 }],
                state: new Map([['new', own(`of ${claim.partition}`, 'absent', claim.partition)]]),
              }),
            ),
          ),
        );
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      });
    });
  });
}
