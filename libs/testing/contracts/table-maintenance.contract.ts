import { afterEach, describe, jest } from '@jest/globals';
import { MaintenanceBenches, type TableMaintenanceHarness } from './table-maintenance/bench.ts';
import { compactionCases } from './table-maintenance/compaction-cases.ts';
import { concurrencyCases } from './table-maintenance/concurrency-cases.ts';
import { expiryCases } from './table-maintenance/expiry-cases.ts';
import { manifestCases } from './table-maintenance/manifest-cases.ts';
import { orphanCases } from './table-maintenance/orphan-cases.ts';
import { retentionCases } from './table-maintenance/retention-cases.ts';

export type { TableMaintenanceHarness } from './table-maintenance/bench.ts';

/**
 * What every TableMaintenance does beside the TickStore whose tables it maintains. `create` gives an empty store, with
 * no tables yet, each time; it travels in time, evolves schemas, and two instances may work on it at once.
 */
export function tableMaintenanceContract(
  name: string,
  { create }: { create(): Promise<TableMaintenanceHarness> },
): void {
  describe(`TableMaintenance: ${name}`, () => {
    // Many cases rewrite files in processes of their own, which take a while to start on a busy machine.
    jest.setTimeout(180_000);
    const benches = new MaintenanceBenches(create);
    afterEach(() => benches.close());

    compactionCases(benches);
    expiryCases(benches);
    orphanCases(benches);
    manifestCases(benches);
    retentionCases(benches);
    concurrencyCases(benches);
  });
}
