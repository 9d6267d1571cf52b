import { ContainerModule } from 'inversify';
import type { TickLog } from '@k2/ports';
import { dataPaths } from '../data-paths.ts';
import { loadAdapter } from '../load-package.ts';
import { TOKENS } from '../tokens.ts';
import type { ModuleInput } from './module-input.ts';

/** The durable log between feeds and tables. */
export const logModule = (input: ModuleInput) =>
  new ContainerModule(({ bind }) => {
    bind(TOKENS.tickLog).toResolvedValue(() => open(input));
  });

async function open(input: ModuleInput): Promise<TickLog> {
  const { settings, choice, context } = input;
  const { clock, scheduler, random } = context;
  switch (choice.log) {
    case 'memory': {
      const { MemoryTickLog } = await import('@k2/adapter-memory');
      return new MemoryTickLog({ clock, scheduler, random });
    }
    case 'sqlite': {
      const { SqliteTickLog } = await import('@k2/adapter-sqlite');
      return SqliteTickLog.open({
        path: dataPaths(settings.data).log,
        clock,
        scheduler,
        random,
        bytesMax: settings.logBytesMax,
      });
    }
    case 'kafka': {
      const { openKafka } = await import('./kafka.ts');
      return openKafka(input);
    }
    default:
      return (await loadAdapter(choice.log, 'log'))(context);
  }
}
