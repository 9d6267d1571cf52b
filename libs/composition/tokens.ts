import type { ServiceIdentifier } from 'inversify';
import type {
  Clock,
  DedupStore,
  ObjectStore,
  OpenedStore,
  QueryEngine,
  Random,
  Scheduler,
  TableCatalog,
  Telemetry,
  TickLog,
  TickStore,
} from '@k2/ports';

const token = <Port>(name: string): ServiceIdentifier<Port> => Symbol.for(`k2.${name}`);

/** The ports that the container is asked for. */
export const TOKENS = {
  clock: token<Clock>('Clock'),
  random: token<Random>('Random'),
  scheduler: token<Scheduler>('Scheduler'),
  telemetry: token<Telemetry>('Telemetry'),
  tickLog: token<TickLog>('TickLog'),
  objectStore: token<ObjectStore>('ObjectStore'),
  tableCatalog: token<TableCatalog>('TableCatalog'),
  openedStore: token<OpenedStore>('OpenedStore'),
  tickStore: token<TickStore>('TickStore'),
  dedupStore: token<DedupStore>('DedupStore'),
  queryEngine: token<QueryEngine>('QueryEngine'),
} as const;
