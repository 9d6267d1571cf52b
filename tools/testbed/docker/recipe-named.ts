import type { TestbedServiceName } from '../service-names.ts';
import type { DockerRecipe } from './recipe.ts';

/** Null where there is no image that does what the testbed's users expect. */
export async function dockerRecipeNamed(name: TestbedServiceName): Promise<DockerRecipe | null> {
  switch (name) {
    case 'kafka':
      return (await import('./kafka.ts')).kafka;
    case 'schema-registry':
      return (await import('./schema-registry.ts')).schemaRegistry;
    case 'postgres':
      return (await import('./postgres.ts')).postgres;
    case 'minio':
      return (await import('./minio.ts')).minio;
    case 'versitygw':
      return (await import('./versitygw.ts')).versitygw;
    case 'redis':
      return (await import('./redis.ts')).redis;
    case 'trino':
    case 'spark':
      return null;
  }
}
