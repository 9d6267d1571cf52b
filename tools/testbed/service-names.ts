import type { ServiceName as EndpointName } from '@k2/testing/services';

/** Every server the testbed knows, with the endpoints that specs read. Those marked optional start only when named. */
export const catalog = {
  kafka: { title: 'Kafka', endpoints: ['kafka', 'kafkaSecure'], optional: false },
  'schema-registry': { title: 'Schema registry (Apicurio)', endpoints: ['schemaRegistry'], optional: false },
  postgres: { title: 'PostgreSQL', endpoints: ['postgres'], optional: false },
  minio: { title: 'MinIO', endpoints: ['s3'], optional: false },
  versitygw: { title: 'Versity S3 Gateway', endpoints: ['s3Second'], optional: false },
  redis: { title: 'Redis', endpoints: ['redis'], optional: false },
  trino: { title: 'Trino', endpoints: ['trino'], optional: true },
  spark: { title: 'Spark', endpoints: ['spark'], optional: true },
} as const satisfies Record<string, { title: string; endpoints: readonly EndpointName[]; optional: boolean }>;

export type TestbedServiceName = keyof typeof catalog;

export const serviceNames = Object.keys(catalog) as TestbedServiceName[];

/** What `services up` starts when nothing is named. */
export const usualServiceNames = serviceNames.filter((name) => !catalog[name].optional);

/** What the specs need, heavy or not: `test:services` starts it. */
export const specServiceNames: readonly TestbedServiceName[] = [...usualServiceNames, 'trino'];

/** The service that is meant: by its own name, or by that of one of its endpoints ("s3" is "minio"). */
export function serviceNamed(name: string): TestbedServiceName {
  const found = serviceNames.find(
    (service) => service === name || (catalog[service].endpoints as readonly string[]).includes(name),
  );
  if (found === undefined) throw new Error(`no service "${name}"; there are: ${serviceNames.join(', ')}`);
  return found;
}
