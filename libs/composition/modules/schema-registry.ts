import { HttpSchemaRegistry } from '@k2/adapter-schema-registry';
import type { AdapterContext, SchemaRegistry } from '@k2/ports';
import type { Settings } from '../settings.ts';

/** Where the schemas of Kafka's records are. */
export function openSchemaRegistry(
  settings: Settings,
  context: Pick<AdapterContext, 'clock' | 'random' | 'scheduler'>,
): SchemaRegistry {
  return new HttpSchemaRegistry({ ...context, url: settings.schemaRegistryUrl });
}
