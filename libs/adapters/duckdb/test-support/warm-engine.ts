/** For specs: a server of nothing but a warm engine, to be killed. */
import { DuckDbQueryEngine } from '../duckdb-query-engine.ts';
import { LocalLake } from './local-lake.ts';

const lake = await LocalLake.create();
await lake.close();
await new DuckDbQueryEngine({ objectStore: lake.objectStore }).warm();
console.log('warm');
setInterval(() => {}, 1_000);
