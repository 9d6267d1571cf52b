import type { Services } from '@k2/testing/services';

/** Where K2 finds these servers: its settings, by environment variable (see docs/guides/settings.md). */
export function k2Settings(servers: Partial<Services>): Record<string, string> {
  const { kafka, schemaRegistry, postgres, s3, redis, trino } = servers;
  return {
    K2_STORAGE: 'services',
    ...(kafka && { K2_KAFKA_BROKERS: kafka.brokers.join(',') }),
    ...(schemaRegistry && { K2_SCHEMA_REGISTRY_URL: schemaRegistry.url }),
    ...(postgres && { K2_POSTGRES_URL: postgres.url }),
    ...(s3 && {
      K2_S3_ENDPOINT: s3.endpoint,
      K2_S3_REGION: s3.region,
      K2_S3_BUCKET: s3.bucket,
      K2_S3_ACCESS_KEY_ID: s3.accessKeyId,
      K2_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    }),
    ...(redis && { K2_REDIS_URL: redis.url }),
    ...(trino && { K2_TRINO_URL: trino.url }),
  };
}

/** Lines for a POSIX shell: `export NAME='value'`. */
export function shellExports(settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`);
  return lines.join('');
}
