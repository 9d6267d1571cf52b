import type { PlannedRows, Question, ScanPlan } from '@k2/ports';
import { DuckDbQueryEngine } from '../duckdb-query-engine.ts';
import type { DuckDbQueryEngineConfig } from '../engine-config.ts';
import { LocalLake } from './local-lake.ts';

export interface Fixture {
  readonly lake: LocalLake;
  readonly engine: DuckDbQueryEngine;
  readonly plans: readonly ScanPlan[];
  close(): Promise<void>;
}

/** An engine over the rows given, warm. */
export async function engineOver(rows: PlannedRows, config: Partial<DuckDbQueryEngineConfig> = {}): Promise<Fixture> {
  const lake = await LocalLake.create();
  const engine = new DuckDbQueryEngine({ objectStore: lake.objectStore, config });
  const plans = await lake.plansFor(rows);
  await engine.warm();
  return {
    lake,
    engine,
    plans,
    close: async () => {
      await engine.close();
      await lake.close();
    },
  };
}

export function sql(text: string, limit = 100): Question {
  return { kind: 'sql', sql: text, limit };
}

export function ticks(changes: Partial<Extract<Question, { kind: 'ticks' }>> = {}): Question {
  return { kind: 'ticks', recordType: 'trades', filter: {}, order: 'oldest-first', limit: 100, ...changes };
}
