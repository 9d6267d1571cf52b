import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CatalogChange, PartitionClaim, StateMove } from '@k2/ports';
import { own, pointer, TOPIC, type CatalogBench } from './bench.ts';

/** Small values of series, and the partition that each is of. */
export function stateCases(bench: CatalogBench): void {
  it('13 keeps small values with the partition that they are of, replaces and removes them', async () => {
    const owner = { topic: TOPIC.topic, partition: 0 };
    const claim = await bench.claimOne('w');
    await bench.catalog.apply(
      bench.change({
        progress: [{ claim, nextOffset: 1 }],
        state: new Map([
          ['a', own('1')],
          ['b', own('')],
        ]),
      }),
    );
    expect(await bench.catalog.state(['a', 'b', 'c'])).toEqual(
      new Map([
        ['a', { value: '1', owner }],
        ['b', { value: '', owner }],
      ]),
    );
    await bench.catalog.apply(
      bench.change({
        progress: [{ claim: { ...claim, nextOffset: 1 }, nextOffset: 2 }],
        state: new Map([
          ['a', own(null, 'own')],
          ['b', own('2', 'own')],
          ['c', own(null)],
        ]),
      }),
    );
    expect(await bench.catalog.state(['a', 'b', 'c'])).toEqual(new Map([['b', { value: '2', owner }]]));
  });

  describe('a state of a series that came to another partition', () => {
    const OLD = { topic: TOPIC.topic, partition: 0 };
    let old: PartitionClaim;
    let grown: PartitionClaim;
    beforeEach(async () => {
      [old, grown] = [await bench.claimOne('a', 0), await bench.claimOne('b', 1)];
      await bench.catalog.apply(
        bench.change({ progress: [{ claim: old, nextOffset: 1 }], state: new Map([['s', own('1')]]) }),
      );
      old = { ...old, nextOffset: 1 };
    });
    const move = (claim: PartitionClaim, state: StateMove, key = 's') =>
      bench.change({
        tables: [pointer(`market.of${claim.partition}`, null, `t${bench.changes}`)],
        progress: [{ claim, nextOffset: claim.nextOffset + 1 }],
        state: new Map([[key, state]]),
      });
    const refusal = { kind: 'progress-mismatch', retryable: false, context: { key: 's' } };
    const takenOver = (value: string) => own(value, { value: '1', owner: OLD }, 1);
    const refuses = async (refused: CatalogChange) => {
      const before = { ...(await bench.everything()), states: await bench.catalog.state(['s']) };
      await expect((await bench.another()).apply(refused)).rejects.toMatchObject(refusal);
      expect({ ...(await bench.everything()), states: await bench.catalog.state(['s']) }).toEqual(before);
      expect(await bench.catalog.committed(refused.changeId)).toBe(false);
    };

    it('19 is taken over as it was read, and the partition before cannot move it any more', async () => {
      await bench.catalog.apply(move(grown, takenOver('2')));
      expect(await bench.catalog.state(['s'])).toEqual(
        new Map([['s', { value: '2', owner: { ...OLD, partition: 1 } }]]),
      );
      await refuses(move(old, own('9', 'own')));
      await refuses(move(old, own(null, 'own')));
      await refuses(move(old, own('9')));
    });

    it('20 is not taken over where the partition before has moved it since', async () => {
      await bench.catalog.apply(move(old, own('2', 'own')));
      await refuses(move(grown, takenOver('9')));
      await refuses(move(grown, own('9', 'own', 1)));
      await refuses(move(grown, own('9', 'absent', 1)));
    });

    it('21 is not taken over where it was removed, nor by a partition that the change does not move', async () => {
      await refuses({ ...move(grown, takenOver('9')), progress: [{ claim: old, nextOffset: 2 }] });
      await bench.catalog.apply(move(old, own(null, 'own')));
      await refuses(move(grown, takenOver('9')));
    });

    it('22 goes to one of two that have read it', async () => {
      const third = await bench.claimOne('c', 2);
      const other = await bench.another();
      const outcomes = await Promise.allSettled([
        bench.catalog.apply(move(grown, takenOver('of 1'))),
        other.apply(move(third, own('of 2', { value: '1', owner: OLD }, 2))),
        bench.catalog.apply(move(old, own('of 0', 'own'))),
      ]);
      const landed = outcomes.flatMap(({ status }, at) => (status === 'fulfilled' ? [`of ${[1, 2, 0][at]}`] : []));
      expect(landed).toHaveLength(1);
      expect((await bench.catalog.state(['s'])).get('s')!.value).toBe(landed[0]);
    });

    it('23 is made by one of twenty that found none', async () => {
      const claims = await bench.catalog.claim(
        'w',
        Array.from({ length: 20 }, (_, i) => ({ ...TOPIC, partition: 10 + i })),
      );
      const other = await bench.another();
      const outcomes = await Promise.allSettled(
        claims.map((claim, i) =>
          (i % 2 === 0 ? bench.catalog : other).apply(
            bench.change({
              committedUs: 1_000 + bench.changes,
              progress: [{ claim, nextOffset: 1 }],
              state: new Map([['new', own(`of ${claim.partition}`, 'absent', claim.partition)]]),
            }),
          ),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    });
  });
}
