import { readFileSync } from 'node:fs';

export interface KafkaEndpoint {
  readonly brokers: readonly string[];
}

/** A listener that wants TLS and SASL/SCRAM. */
export interface SecureKafkaEndpoint extends KafkaEndpoint {
  readonly caFile: string;
  readonly mechanism: 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface S3Endpoint {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Exists. */
  readonly bucket: string;
}

/** Where the testbed's servers listen. Other tests use them at the same time: take names of your own. */
export interface Services {
  readonly kafka: KafkaEndpoint;
  readonly kafkaSecure: SecureKafkaEndpoint;
  readonly schemaRegistry: { readonly url: string };
  readonly postgres: { readonly url: string };
  readonly s3: S3Endpoint;
  /** Of another maker. */
  readonly s3Second: S3Endpoint;
  readonly redis: { readonly url: string };
  /** Its catalogs are made by SQL. Of what `npm run services up` starts only where it was asked for. */
  readonly trino: { readonly url: string };
  /** Only where it was asked for. */
  readonly spark: { readonly url: string };
}

export type ServiceName = keyof Services;

/** Where the testbed says what runs; `npm run services up` and `npm run test:services` write it. */
export const SERVICES_FILE_ENV = 'K2_SERVICES_FILE';

/** The endpoint of a running service; throws, with how to get it, where it is not there. */
export function service<Name extends ServiceName>(name: Name): Services[Name] {
  const file = process.env[SERVICES_FILE_ENV] ?? new URL('../../../tmp/testbed/services.json', import.meta.url);
  let services: Partial<Services>;
  try {
    services = JSON.parse(readFileSync(file, 'utf8')) as Partial<Services>;
  } catch (cause) {
    throw new Error(`no testbed runs (${String(file)}): start it with "npm run services up"`, { cause });
  }
  const endpoint = services[name];
  if (endpoint === undefined)
    throw new Error(`the testbed has no ${name}: start it with "npm run services up ${name}"`);
  return endpoint as Services[Name];
}
