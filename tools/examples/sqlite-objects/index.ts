import { PortError, type AdapterPackage } from '@k2/ports';
import { SqliteObjectStore } from './sqlite-object-store.ts';

export { SqliteObjectStore, type SqliteObjectStoreOptions } from './sqlite-object-store.ts';

/** `K2_OBJECTS=@acme/k2-sqlite-objects ACME_OBJECTS_FILE=/var/lib/k2/objects.db` */
export const k2: AdapterPackage = {
  objects: async ({ clock, random, scratchDirectory, env }) => {
    const path = env['ACME_OBJECTS_FILE'] ?? '';
    if (path === '') {
      const message = 'ACME_OBJECTS_FILE is not set: expected the path of the SQLite database to keep objects in';
      throw new PortError('misconfigured', message, { setting: 'ACME_OBJECTS_FILE' });
    }
    return SqliteObjectStore.open({ path, clock, random, scratchDirectory });
  },
};
