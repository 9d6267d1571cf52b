import { HttpSchemaRegistry, type RegistryAuth } from '@k2/adapter-schema-registry';
import type { AdapterContext, SchemaRegistry } from '@k2/ports';
import type { Settings } from '../settings.ts';
import { misconfigured, readPem } from './misconfigured.ts';

/** Where the schemas of Kafka's records are. Throws `misconfigured`. */
export async function openSchemaRegistry(
  settings: Settings,
  context: Pick<AdapterContext, 'clock' | 'random' | 'scheduler'>,
): Promise<SchemaRegistry> {
  const { schemaRegistryUrl: url, schemaRegistryCaFile: caFile } = settings;
  const auth = authOf(settings);
  if (!url.startsWith('https://')) {
    if (caFile !== '')
      throw misconfigured(`K2_SCHEMA_REGISTRY_CA_FILE is set, but K2_SCHEMA_REGISTRY_URL is not https`);
    if (auth?.kind === 'bearer')
      throw misconfigured(
        'K2_SCHEMA_REGISTRY_TOKEN would be sent in the clear: K2_SCHEMA_REGISTRY_URL has to be https',
      );
  }
  const caCertificates = await readPem('K2_SCHEMA_REGISTRY_CA_FILE', caFile);
  return new HttpSchemaRegistry({
    ...context,
    url,
    ...(auth !== null && { auth }),
    ...(caCertificates !== null && { caCertificates }),
  });
}

/** Null: whatever the URL carries. */
function authOf(settings: Settings): RegistryAuth | null {
  const { schemaRegistryUsername: username, schemaRegistryPassword: password, schemaRegistryToken: token } = settings;
  if ((username === '') !== (password === ''))
    throw misconfigured('K2_SCHEMA_REGISTRY_USERNAME and K2_SCHEMA_REGISTRY_PASSWORD are needed together');
  if (token !== '' && username !== '')
    throw misconfigured('K2_SCHEMA_REGISTRY_TOKEN and K2_SCHEMA_REGISTRY_USERNAME are both set: expected one of them');
  if (token !== '') return { kind: 'bearer', token };
  return username === '' ? null : { kind: 'basic', username, password };
}
