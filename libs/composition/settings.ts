/**
 * Every setting of K2, declared once: its key, environment variable, flag, default, unit and range. A wrong value stops
 * start-up with the key's name and what was expected.
 */
import { RECORD_SCHEMAS, type TableName } from '@k2/domain/market/record-schema';
import {
  adapter,
  flag,
  hostNames,
  hosts,
  integer,
  LIST_SEPARATOR,
  oneOf,
  optional,
  secret,
  SettingError,
  someOf,
  text,
  url,
  type Setting,
} from './setting-kinds.ts';

export { SettingError, type Setting } from './setting-kinds.ts';

export const ROLES = ['ingest', 'sink', 'api', 'maintain'] as const;
export type Role = (typeof ROLES)[number];

const TABLES = RECORD_SCHEMAS.map(({ table }) => table);
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

export const SETTINGS = {
  data: text(
    'K2_DATA',
    'data',
    './.k2',
    'Where K2 keeps its log, catalog and tables, or, with those elsewhere, its temporary files.',
  ),
  host: text('K2_HOST', 'host', '127.0.0.1', 'Address that the API listens on.'),
  port: integer('K2_PORT', 'port', 7080, 0, 65_535, 'Port of the API; 0 takes a free one.'),
  allowedHosts: hostNames(
    'K2_ALLOWED_HOSTS',
    'Names, besides its address and localhost, that requests may address the API by, separated by commas.',
  ),
  role: someOf(
    'K2_ROLE',
    'role',
    ROLES,
    ROLES,
    `Parts of K2 that the process runs: all, or some of ${ROLES.join(',')}.`,
  ),
  feeds: feeds('K2_FEED', 'feed'),
  storage: oneOf(
    'K2_STORAGE',
    'storage',
    'embedded',
    ['embedded', 'services', 'memory'],
    'embedded keeps everything in the data directory, services in Kafka, PostgreSQL and S3, memory nothing at all.',
  ),
  log: adapter(
    'K2_LOG',
    'log',
    ['auto', 'sqlite', 'kafka', 'memory'],
    'The log: sqlite, kafka, memory or a package; auto: as the storage says.',
  ),
  store: adapter(
    'K2_STORE',
    'store',
    ['auto', 'iceberg', 'memory'],
    'The tables: iceberg, memory or a package; auto: as the storage says.',
  ),
  catalog: adapter(
    'K2_CATALOG',
    'catalog',
    ['auto', 'sqlite', 'postgres'],
    'Catalog of the iceberg tables: sqlite, postgres or a package; auto: as the storage says.',
  ),
  objects: adapter(
    'K2_OBJECTS',
    'objects',
    ['auto', 'filesystem', 's3'],
    'Files of the iceberg tables: filesystem, s3 or a package; auto: as the storage says.',
  ),
  engine: adapter(
    'K2_ENGINE',
    'engine',
    ['auto', 'duckdb', 'trino', 'memory'],
    'What answers questions: duckdb, trino, memory or a package; auto: as the store says.',
  ),
  dedup: adapter(
    'K2_DEDUP',
    'dedup',
    ['none', 'memory', 'redis'],
    'Drops ticks at ingest that another line of the same venue has brought: none, memory, redis or a package.',
  ),
  logLevel: oneOf('K2_LOG_LEVEL', 'log-level', 'info', ['debug', 'info', 'warn', 'error'], 'Least level of log lines.'),

  flushIntervalMs: integer(
    'K2_FLUSH_INTERVAL_MS',
    undefined,
    2_000,
    10,
    3_600_000,
    'A commit is due this long after its first row, ms.',
  ),
  flushRowsMax: integer('K2_FLUSH_ROWS_MAX', undefined, 1_000_000, 1, 10_000_000, 'A commit is due at this many rows.'),
  logBytesMax: integer(
    'K2_LOG_BYTES_MAX',
    undefined,
    8 * GIB,
    MIB,
    2 ** 50,
    'Bytes the embedded log may hold before appends are refused.',
  ),
  drainTimeoutMs: integer(
    'K2_DRAIN_TIMEOUT_MS',
    undefined,
    30_000,
    0,
    3_600_000,
    'How long a stop waits for the log to be committed, ms.',
  ),
  closeTimeoutMs: integer(
    'K2_CLOSE_TIMEOUT_MS',
    undefined,
    20_000,
    1_000,
    3_600_000,
    'How long a stop takes at most after that; then the process ends, whatever is still open, ms.',
  ),
  dedupWindowMs: integer(
    'K2_DEDUP_WINDOW_MS',
    undefined,
    10 * MINUTE_MS,
    1_000,
    7 * DAY_MS,
    'How long a tick is remembered at ingest, ms.',
  ),

  queryTimeoutMs: integer('K2_QUERY_TIMEOUT_MS', undefined, 30_000, 1, 3_600_000, 'Deadline of a query, ms.'),
  queryMemoryBytesMax: integer(
    'K2_QUERY_MEMORY_BYTES_MAX',
    undefined,
    GIB,
    256 * MIB,
    2 ** 40,
    'Memory cap of one query process.',
  ),
  queryProcesses: integer(
    'K2_QUERY_PROCESSES',
    undefined,
    2,
    1,
    64,
    'Processes that answer typed questions, one at a time each.',
  ),
  sqlProcesses: integer(
    'K2_SQL_PROCESSES',
    undefined,
    1,
    1,
    64,
    'Processes that run SQL, one statement at a time each.',
  ),
  queriesWaitingMax: integer(
    'K2_QUERIES_WAITING_MAX',
    undefined,
    64,
    0,
    10_000,
    'Queries that wait for a turn; further ones are refused.',
  ),
  sqlScanBytesMax: integer(
    'K2_SQL_SCAN_BYTES_MAX',
    undefined,
    4 * GIB,
    MIB,
    2 ** 50,
    'Bytes of the files on S3 that one SQL statement may read.',
  ),
  queriesStalledMax: integer(
    'K2_QUERIES_STALLED_MAX',
    undefined,
    2,
    0,
    64,
    'Unread answers, of typed questions and of SQL each, that may keep a process while others get another; the oldest is cut.',
  ),
  queryIdleMs: integer(
    'K2_QUERY_IDLE_MS',
    undefined,
    10_000,
    1_000,
    3_600_000,
    'An answer of which nothing is read for so long is cut, ms.',
  ),

  maintainIntervalMs: integer(
    'K2_MAINTAIN_INTERVAL_MS',
    undefined,
    MINUTE_MS,
    1_000,
    DAY_MS,
    'From one round of maintenance to the next, ms.',
  ),
  compactFileBytes: integer('K2_COMPACT_FILE_BYTES', undefined, 256 * MIB, MIB, 8 * GIB, 'Size of a compacted file.'),
  compactZstdLevel: integer('K2_COMPACT_ZSTD_LEVEL', undefined, 9, 1, 19, 'zstd level of compacted files.'),
  orphanAgeMs: integer(
    'K2_ORPHAN_AGE_MS',
    undefined,
    DAY_MS,
    3_600_000,
    365 * DAY_MS,
    'Files that no snapshot needs are deleted when they are this old, ms.',
  ),
  keepRows: keepRows('K2_KEEP_ROWS'),

  kafkaBrokers: hosts('K2_KAFKA_BROKERS', ['127.0.0.1:9092'], 'Brokers to start from.'),
  kafkaTls: flag('K2_KAFKA_TLS', false, 'Whether connections to the brokers are encrypted.'),
  kafkaCaFile: optional(
    'K2_KAFKA_CA_FILE',
    'PEM file of the authority that signed the brokers; the system’s authorities where absent.',
  ),
  kafkaSasl: oneOf(
    'K2_KAFKA_SASL',
    undefined,
    'none',
    ['none', 'plain', 'scram-sha-256', 'scram-sha-512'],
    'How we authenticate to the brokers.',
  ),
  kafkaUsername: optional('K2_KAFKA_USERNAME', 'User name for SASL.'),
  kafkaPassword: secret('K2_KAFKA_PASSWORD', 'Password for SASL.'),
  kafkaReplication: integer('K2_KAFKA_REPLICATION', undefined, 1, 1, 32, 'Replicas of topics that K2 creates.'),
  kafkaSessionTimeoutMs: integer(
    'K2_KAFKA_SESSION_TIMEOUT_MS',
    undefined,
    10_000,
    1_000,
    600_000,
    'A sink that is not heard of for so long loses its partitions, ms.',
  ),
  topicsFile: optional(
    'K2_TOPICS_FILE',
    'JSON file of topic rules: partitions, framing, retention, compression, partitioner.',
  ),
  schemaRegistryUrl: url(
    'K2_SCHEMA_REGISTRY_URL',
    'http://127.0.0.1:8081',
    ['http://', 'https://'],
    'Confluent-compatible schema registry.',
  ),
  schemaRegistryCaFile: optional(
    'K2_SCHEMA_REGISTRY_CA_FILE',
    'PEM file of the authority that signed the registry; the system’s authorities where absent.',
  ),
  schemaRegistryUsername: optional('K2_SCHEMA_REGISTRY_USERNAME', 'User name at the registry.'),
  schemaRegistryPassword: secret('K2_SCHEMA_REGISTRY_PASSWORD', 'Password of that user.'),
  schemaRegistryToken: secret('K2_SCHEMA_REGISTRY_TOKEN', 'Bearer token instead of user and password; needs https.'),
  postgresUrl: url(
    'K2_POSTGRES_URL',
    'postgres://127.0.0.1:5432/k2',
    ['postgres://', 'postgresql://'],
    'Database of the catalog.',
  ),
  s3Endpoint: optional('K2_S3_ENDPOINT', 'URL of an S3 server other than Amazon’s.'),
  s3Region: text('K2_S3_REGION', undefined, 'us-east-1', 'Region of the bucket.'),
  s3Bucket: text('K2_S3_BUCKET', undefined, 'k2-lake', 'Bucket of the warehouse; exists.'),
  s3Prefix: optional('K2_S3_PREFIX', 'Prefix of the warehouse in the bucket.'),
  s3AccessKeyId: optional('K2_S3_ACCESS_KEY_ID', 'Access key; where absent, as the AWS SDK finds one.'),
  s3SecretAccessKey: secret('K2_S3_SECRET_ACCESS_KEY', 'Secret of the access key.'),
  s3CacheBytesMax: integer(
    'K2_S3_CACHE_BYTES_MAX',
    undefined,
    10 * GIB,
    64 * MIB,
    2 ** 50,
    'Bound of the local copies of files.',
  ),
  redisUrl: url(
    'K2_REDIS_URL',
    'redis://127.0.0.1:6379',
    ['redis://', 'rediss://'],
    'Redis of the deduplication at ingest.',
  ),
  trinoUrl: url('K2_TRINO_URL', 'http://127.0.0.1:8080', ['http://', 'https://'], 'Trino, where the engine is trino.'),
  trinoCatalog: text('K2_TRINO_CATALOG', undefined, 'k2', 'What Trino calls the catalog of K2’s tables.'),
  trinoUser: text('K2_TRINO_USER', undefined, 'k2', 'User that asks Trino.'),
  trinoPassword: secret('K2_TRINO_PASSWORD', 'Password of that user; needs https.'),
} as const;

export type Settings = { readonly [Key in keyof typeof SETTINGS]: (typeof SETTINGS)[Key]['default'] };

/** Settings from flags, then the environment, then the defaults. Flags are given by key. */
export function readSettings(
  flags: Readonly<Partial<Record<keyof typeof SETTINGS, string | readonly string[]>>>,
  env: Readonly<Record<string, string | undefined>>,
): Settings {
  const entries = Object.entries(SETTINGS).map(([key, setting]: [string, Setting<unknown>]) => {
    const given = flags[key as keyof typeof SETTINGS];
    const fromFlag = typeof given === 'string' || given === undefined ? given : given.join(LIST_SEPARATOR);
    if (fromFlag !== undefined) return [key, setting.parse(fromFlag, `--${setting.flag ?? key}`)];
    const fromEnv = env[setting.env];
    return [key, fromEnv === undefined ? setting.default : setting.parse(fromEnv, setting.env)];
  });
  return Object.fromEntries(entries) as Settings;
}

function feeds(env: string, name: string): Setting<readonly string[]> {
  const parse = (given: string, origin: string) => {
    const specs = given.split(LIST_SEPARATOR).filter((spec) => spec !== '');
    const known = specs.every((spec) => /^(?:none|simulator(?::.*)?|asx:.+)$/.test(spec));
    if (!known || (specs.includes('none') && specs.length > 1)) {
      throw new SettingError(origin, given, 'none, simulator, simulator:key=value,… or asx:DIR (repeatable)');
    }
    return specs.filter((spec) => spec !== 'none');
  };
  return {
    env,
    flag: name,
    default: ['simulator'],
    doc: 'Where ticks come from: none, simulator[:key=value,…], asx:DIR; repeat the flag for several.',
    parse,
  };
}

/** `market_data.quotes=90d,audit.quarantine=365d`. */
function keepRows(env: string): Setting<ReadonlyMap<TableName, number>> {
  const parse = (given: string, name: string) => {
    const kept = new Map<TableName, number>();
    for (const entry of given.split(',').filter((one) => one !== '')) {
      const [, named, days] = /^([\w.]+)=(\d{1,6})d$/.exec(entry) ?? [];
      const table = TABLES.find((one) => one === named);
      if (table === undefined || Number(days) < 1 || kept.has(table))
        throw new SettingError(name, given, `TABLE=DAYSd, several separated by commas, of ${TABLES.join(', ')}`);
      kept.set(table, Number(days) * DAY_MS);
    }
    return kept;
  };
  return {
    env,
    default: new Map(),
    doc: 'How long rows are kept, by table: market_data.quotes=90d,…; for good where absent.',
    parse,
  };
}
