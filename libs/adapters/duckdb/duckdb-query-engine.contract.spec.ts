import { queryEngineContract } from '@k2/testing/contracts';
import { DuckDbQueryEngine } from './duckdb-query-engine.ts';
import { LocalLake } from './test-support/local-lake.ts';

queryEngineContract('DuckDB over Parquet files', {
  capabilities: { sql: true, exports: true },
  create: async () => {
    const lake = await LocalLake.create();
    const engine = new DuckDbQueryEngine({ objectStore: lake.objectStore });
    await engine.warm();
    return {
      engine,
      plansFor: (rows) => lake.plansFor(rows),
      close: async () => {
        await engine.close();
        await lake.close();
      },
    };
  },
});
