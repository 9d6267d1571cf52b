export { DuckDbQueryEngine, type DuckDbQueryEngineOptions } from './duckdb-query-engine.ts';
export { DUCKDB_QUERY_ENGINE_DEFAULTS, type DuckDbQueryEngineConfig } from './engine-config.ts';
