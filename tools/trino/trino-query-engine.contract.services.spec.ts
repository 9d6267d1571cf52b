import { queryEngineContract } from '@k2/testing/contracts';
import { TrinoLake } from './test-support/trino-lake.ts';

queryEngineContract('Trino over Iceberg tables of K2’s', {
  capabilities: { sql: false, exports: false },
  create: async () => {
    const lake = await TrinoLake.create();
    return { engine: lake.engine, plansFor: (rows) => lake.load(rows), close: () => lake.close() };
  },
});
