import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ContainerModule } from 'inversify';
import { DuckDbQueryEngine } from '@k2/adapter-duckdb';
import { FilesystemObjectStore } from '@k2/adapter-filesystem';
import { IcebergTickStore } from '@k2/adapter-iceberg';
import { MemoryQueryEngine, MemoryTickLog, MemoryTickStore } from '@k2/adapter-memory';
import { SqliteTableCatalog, SqliteTickLog } from '@k2/adapter-sqlite';
import { SystemClock, SystemRandom, SystemScheduler } from '@k2/adapter-system';
import type { Settings } from './settings.ts';
import { TOKENS } from './tokens.ts';

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

export const systemModule = new ContainerModule(({ bind }) => {
  bind(TOKENS.clock).toResolvedValue(() => new SystemClock());
  bind(TOKENS.random).toResolvedValue((clock) => new SystemRandom(clock), [TOKENS.clock]);
  bind(TOKENS.scheduler).toResolvedValue(() => new SystemScheduler());
});

/** The durable log of the data directory; for the one process that writes to it. */
export const sqliteLogModule = (settings: Settings) =>
  new ContainerModule(({ bind }) => {
    bind(TOKENS.tickLog).toResolvedValue(
      (clock, scheduler, random) =>
        SqliteTickLog.open({ path: dataPaths(settings.data).log, clock, scheduler, random, bytesMax: settings.logBytesMax }),
      [TOKENS.clock, TOKENS.scheduler, TOKENS.random],
    );
  });

/** A log that ends with the process: of the memory storage, and of a process that only reads the lake. */
export const memoryLogModule = new ContainerModule(({ bind }) => {
  bind(TOKENS.tickLog).toResolvedValue(
    (clock, scheduler, random) => new MemoryTickLog({ clock, scheduler, random }),
    [TOKENS.clock, TOKENS.scheduler, TOKENS.random],
  );
});

/** The embedded lake: Iceberg on the file system, its catalog in SQLite, DuckDB beside it. */
export const icebergModule = (settings: Settings) =>
  new ContainerModule(({ bind }) => {
    const paths = dataPaths(settings.data);
    bind(TOKENS.objectStore).toResolvedValue(
      (clock) => FilesystemObjectStore.open(paths.warehouse, clock),
      [TOKENS.clock],
    );
    bind(TOKENS.tableCatalog).toResolvedValue(
      (clock) => SqliteTableCatalog.open({ path: paths.catalog, clock }),
      [TOKENS.clock],
    );
    bind(TOKENS.tickStore).toResolvedValue(
      async (catalog, objects, clock, random, scheduler, telemetry) => {
        await mkdir(paths.temp, { recursive: true });
        return new IcebergTickStore(
          { catalog, objects, clock, random, scheduler, telemetry },
          { tempDirectory: paths.temp },
        );
      },
      [TOKENS.tableCatalog, TOKENS.objectStore, TOKENS.clock, TOKENS.random, TOKENS.scheduler, TOKENS.telemetry],
    );
    bind(TOKENS.queryEngine).toResolvedValue(
      (objectStore, telemetry) =>
        new DuckDbQueryEngine({
          objectStore,
          telemetry,
          config: {
            memoryBytesMax: settings.queryMemoryBytesMax,
            typedProcesses: settings.queryProcesses,
            sqlProcesses: settings.sqlProcesses,
            waitingMax: settings.queriesWaitingMax,
          },
        }),
      [TOKENS.objectStore, TOKENS.telemetry],
    );
  });

/** Everything in memory; answers typed questions, and no SQL. */
export const memoryStoreModule = new ContainerModule(({ bind }) => {
  bind(TOKENS.tickStore).toResolvedValue(
    (clock, random) => new MemoryTickStore({ clock, random }),
    [TOKENS.clock, TOKENS.random],
  );
  bind(TOKENS.queryEngine).toResolvedValue(
    (store, clock) => new MemoryQueryEngine({ store: store as MemoryTickStore, clock }),
    [TOKENS.tickStore, TOKENS.clock],
  );
});
