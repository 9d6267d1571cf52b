import type { Server } from '../server.ts';
import type { TestbedServiceName } from '../service-names.ts';

/** Each with the client it needs, which is read only when it is wanted. */
export async function serverNamed(name: TestbedServiceName): Promise<Server> {
  switch (name) {
    case 'kafka':
      return (await import('./kafka.ts')).kafkaServer;
    case 'schema-registry':
      return (await import('./schema-registry.ts')).schemaRegistryServer;
    case 'postgres':
      return (await import('./postgres.ts')).postgresServer;
    case 'minio':
      return (await import('./s3.ts')).minioServer;
    case 'versitygw':
      return (await import('./s3.ts')).versitygwServer;
    case 'redis':
      return (await import('./redis.ts')).redisServer;
    case 'trino':
      return (await import('./trino.ts')).trinoServer;
    case 'spark':
      return (await import('./spark.ts')).sparkServer;
  }
}
