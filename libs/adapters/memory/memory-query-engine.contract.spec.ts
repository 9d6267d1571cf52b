import { RECORD_SCHEMAS } from '@k2/domain/market';
import type { PlannedRows, ScanPlan } from '@k2/ports';
import { queryEngineContract } from '@k2/testing/contracts';
import { ManualClock } from './manual-time.ts';
import { MemoryQueryEngine } from './memory-query-engine.ts';
import { MemoryTickStore } from './memory-tick-store.ts';
import { SeededRandom } from './seeded-random.ts';

queryEngineContract('memory', {
  create: async () => {
    const clock = new ManualClock();
    const storeOf = new Map<ScanPlan, MemoryTickStore>();
    const engine = new MemoryQueryEngine({ store: { filesOf: (plan) => storeOf.get(plan)!.filesOf(plan) }, clock });
    const plansFor = async (rows: PlannedRows) => {
      const store = new MemoryTickStore({ clock, random: new SeededRandom(1) });
      await store.ensureTables(RECORD_SCHEMAS);
      await store.commit(await store.stage(rows), { partitions: [], state: new Map() });
      const plans = await Promise.all(
        RECORD_SCHEMAS.map(({ table }) => store.plan({ table, asOf: { kind: 'latest' } })),
      );
      for (const plan of plans) storeOf.set(plan, store);
      return plans;
    };
    return { engine, plansFor, close: () => engine.close() };
  },
  capabilities: { sql: false, exports: false },
});
