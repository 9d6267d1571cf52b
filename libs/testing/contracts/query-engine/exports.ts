import { describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { placed, plannedRows, tradeBatch } from '../../builders/index.ts';
import { ASK, ticks, type Asker } from '../query-engine.contract.ts';

export function exportsContract(asker: Asker, isCapable: boolean): void {
  describe('exportParquet', () => {
    const rows = plannedRows({ ticks: [placed(tradeBatch({ count: 3 }))] });
    const exported = async (
      question: ReturnType<typeof ticks>,
      check: (exporting: Promise<{ readonly rowCount: number }>, path: string) => Promise<unknown>,
    ) => {
      const directory = await mkdtemp(join(tmpdir(), 'k2 export '));
      try {
        const path = join(directory, 'answer.parquet');
        const plans = await asker.plansFor(rows);
        await check(asker.engine().exportParquet(question, plans, path, ASK), path);
      } finally {
        await rm(directory, { recursive: true });
      }
    };

    if (!isCapable) {
      it('is refused', () =>
        exported(ticks('trades'), (exporting) => expect(exporting).rejects.toMatchObject({ kind: 'unsupported' })));
      return;
    }

    it('writes one Parquet file', () =>
      exported(ticks('trades', { limit: 2 }), async (exporting, path) => {
        expect(await exporting).toEqual({ rowCount: 2 });
        const content = (await readFile(path)).toString('latin1');
        expect([content.slice(0, 4), content.slice(-4)]).toEqual(['PAR1', 'PAR1']);
      }));

    it('leaves nothing where the question is refused', () =>
      exported(ticks('trades', { fields: [] }), async (exporting, path) => {
        await expect(exporting).rejects.toMatchObject({ kind: 'invalid-query' });
        expect(await readdir(join(path, '..'))).toEqual([]);
      }));
  });
}
