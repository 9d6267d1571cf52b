import { ContainerModule } from 'inversify';
import type { MemoryTickStore } from '@k2/adapter-memory';
import { loadAdapter } from '../load-package.ts';
import { TOKENS } from '../tokens.ts';
import type { ModuleInput } from './module-input.ts';

/** What answers questions over the tables. */
export const engineModule = (input: ModuleInput) =>
  new ContainerModule(({ bind }) => {
    const { settings, choice, context } = input;
    const config = {
      memoryBytesMax: settings.queryMemoryBytesMax,
      typedProcesses: settings.queryProcesses,
      sqlProcesses: settings.sqlProcesses,
      waitingMax: settings.queriesWaitingMax,
      stalledMax: settings.queriesStalledMax,
      idleMsMax: settings.queryIdleMs,
      // What is fetched for a statement has to fit; what is on this disk already need not be fetched.
      ...(choice.objects === 's3' && {
        sqlScanBytesMax: Math.min(settings.sqlScanBytesMax, settings.s3CacheBytesMax),
      }),
    };
    if (choice.engine === 'duckdb')
      bind(TOKENS.queryEngine).toResolvedValue(
        async (objectStore) => {
          const { DuckDbQueryEngine } = await import('@k2/adapter-duckdb');
          return new DuckDbQueryEngine({ objectStore, telemetry: context.telemetry, config });
        },
        [TOKENS.objectStore],
      );
    else if (choice.engine === 'trino')
      bind(TOKENS.queryEngine).toResolvedValue(
        async (objects) => (await import('./trino.ts')).trinoEngine(input, objects),
        [TOKENS.objectStore],
      );
    else if (choice.engine === 'memory')
      bind(TOKENS.queryEngine).toResolvedValue(
        async (store) => {
          const { MemoryQueryEngine } = await import('@k2/adapter-memory');
          return new MemoryQueryEngine({ store: store as MemoryTickStore, clock: context.clock });
        },
        [TOKENS.tickStore],
      );
    else
      bind(TOKENS.queryEngine).toResolvedValue(
        async (store) => (await loadAdapter(choice.engine, 'engine'))({ ...context, store }),
        [TOKENS.tickStore],
      );
  });
