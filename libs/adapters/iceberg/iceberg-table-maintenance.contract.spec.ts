import { tableMaintenanceContract } from '@k2/testing/contracts';
import { ICEBERG_MAINTENANCE_DEFAULTS } from './iceberg-table-maintenance.ts';
import { TestLake } from './test-support/lake.ts';
import { readRows } from './test-support/read-rows.ts';

tableMaintenanceContract('iceberg', {
  create: async () => {
    const lake = await TestLake.create({ rowGroupRows: 2_048 });
    let planted = 0;
    return {
      store: lake.open(),
      maintenance: lake.openMaintenance(),
      another: () => lake.openMaintenance(),
      rowsOf: (plan) => readRows(plan, lake.objects),
      clock: lake.clock,
      advanceMs: (ms) => lake.clock.advanceMs(ms),
      graceMs: ICEBERG_MAINTENANCE_DEFAULTS.readerGraceMs,
      plant: async (table) => {
        const key = `${table.replaceAll('.', '/')}/data/planted-${++planted}.parquet`;
        await lake.objects.putIfAbsent(key, new Uint8Array(10));
        return { isThere: async () => (await lake.keys(key)).length > 0 };
      },
      close: () => lake.close(),
    };
  },
});
