import { tickStoreContract } from '@k2/testing/contracts';
import { TestLake } from './test-support/lake.ts';
import { readRows } from './test-support/read-rows.ts';

tickStoreContract('iceberg', {
  create: async () => {
    const lake = await TestLake.create();
    let store = lake.open();
    return {
      store,
      rowsOf: (plan) => readRows(plan, lake.objects),
      reopen: async () => {
        await store.close();
        return (store = lake.open());
      },
      close: () => lake.close(),
    };
  },
  capabilities: { timeTravel: true, evolution: true, durable: true, pruning: true },
});
