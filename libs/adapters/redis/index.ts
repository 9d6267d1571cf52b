export { RedisDedupStore, type RedisDedupStoreOptions } from './redis-dedup-store.ts';
export { RedisStateStore, type RedisStateStoreOptions } from './redis-state-store.ts';
export type { RedisConnectionOptions } from './redis-connection.ts';
