export { TrinoClient, type TrinoClientOptions, type TrinoColumn, type TrinoPage } from './trino-client.ts';
export { TrinoQueryEngine, type TrinoQueryEngineOptions } from './trino-query-engine.ts';
export { TRINO_QUERY_ENGINE_DEFAULTS, type TrinoQueryEngineConfig } from './trino-config.ts';
