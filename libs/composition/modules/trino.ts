import { TrinoClient, TrinoQueryEngine } from '@k2/adapter-trino';
import { PortError, type ObjectStore, type QueryEngine } from '@k2/ports';
import type { ModuleInput } from './module-input.ts';

/** Trino over the tables whose files are these objects. Throws `misconfigured`. */
export function trinoEngine({ settings, context }: ModuleInput, objects: ObjectStore): QueryEngine {
  const { trinoUrl: url, trinoUser: user, trinoPassword: password, trinoCatalog: catalog } = settings;
  if (password !== '' && !url.startsWith('https://')) {
    const message = 'K2_TRINO_PASSWORD would be sent in the clear: K2_TRINO_URL has to start with https:// with it';
    throw new PortError('misconfigured', message);
  }
  return new TrinoQueryEngine({
    ...context,
    client: new TrinoClient({ ...context, url, user, password, source: 'k2' }),
    catalog,
    locationOf: (key) => objects.uri(key),
    config: { questionsMax: settings.queryProcesses + settings.queriesWaitingMax },
  });
}
