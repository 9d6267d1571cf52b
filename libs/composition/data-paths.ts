import { join, resolve } from 'node:path';

/** Where things are in a data directory. */
export function dataPaths(data: string) {
  const root = resolve(data);
  return {
    root,
    log: join(root, 'log.db'),
    catalog: join(root, 'catalog.db'),
    warehouse: join(root, 'warehouse'),
    temp: join(root, 'tmp'),
  };
}
