// An adapter package for tests: K2's own catalog, which answers nothing any more once the file SILENT_FILE is there.
import { existsSync } from 'node:fs';
import { SqliteTableCatalog } from '@k2/adapter-sqlite';

export const k2 = {
  catalog: async ({ env, clock }) => {
    const catalog = await SqliteTableCatalog.open({ path: env.CATALOG_FILE, clock });
    const silently = (method) =>
      function (...args) {
        return existsSync(env.SILENT_FILE) ? new Promise(() => {}) : method.apply(catalog, args);
      };
    return new Proxy(catalog, {
      get: (_, name) => (typeof catalog[name] === 'function' ? silently(catalog[name]) : catalog[name]),
    });
  },
};
