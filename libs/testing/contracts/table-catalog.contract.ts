import { afterEach, beforeEach, describe } from '@jest/globals';
import { atomicityCases } from './table-catalog/atomicity-cases.ts';
import { CatalogBench, type TableCatalogHarness } from './table-catalog/bench.ts';
import { claimCases } from './table-catalog/claim-cases.ts';
import { commitTimeCases } from './table-catalog/commit-time-cases.ts';
import { pointerCases } from './table-catalog/pointer-cases.ts';
import { stateCases } from './table-catalog/state-cases.ts';

export type { TableCatalogHarness } from './table-catalog/bench.ts';

/** What every TableCatalog does, whatever it is made of. `create` gives an empty catalog each time. */
export function tableCatalogContract(name: string, { create }: { create(): Promise<TableCatalogHarness> }): void {
  describe(`TableCatalog: ${name}`, () => {
    const bench = new CatalogBench(create);
    beforeEach(() => bench.open());
    afterEach(() => bench.close());

    pointerCases(bench);
    atomicityCases(bench);
    claimCases(bench);
    commitTimeCases(bench);
    stateCases(bench);
  });
}
