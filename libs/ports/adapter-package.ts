import type { DedupStore } from './dedup-store.port.ts';
import type { ObjectStore } from './object-store.port.ts';
import type { QueryEngine } from './query-engine.port.ts';
import type { Clock, Random, Scheduler } from './system.port.ts';
import type { TableCatalog } from './table-catalog.port.ts';
import type { TableMaintenance } from './table-maintenance.port.ts';
import type { Telemetry } from './telemetry.port.ts';
import type { TickLog } from './tick-log.port.ts';
import type { TickStore } from './tick-store.port.ts';

/** What K2 gives to an adapter of another package when it opens it. */
export interface AdapterContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  /** The process's environment: an adapter has its own settings there, named `<ITS>_<SETTING>`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A directory of this process, for files on their way; deleted when it ends. */
  readonly scratchDirectory: string;
}

/** A store and, where tables need care, what takes care of them. */
export interface OpenedStore {
  readonly store: TickStore;
  readonly maintenance?: TableMaintenance;
}

/**
 * What a package exports as `k2` so that configuration can name it where it names an adapter of K2's own:
 * `K2_STORE=@acme/k2-clickhouse`. Each opens one port; what a package does not offer it leaves away. An adapter passes
 * the contract suite of its port, from `@k2/testing/contracts`. Rejections stop the start with their message. What is
 * opened and has a method `close`, `ObjectStore` too, is closed when the process ends.
 */
export interface AdapterPackage {
  readonly log?: (context: AdapterContext) => Promise<TickLog>;
  readonly store?: (context: AdapterContext) => Promise<OpenedStore>;
  readonly catalog?: (context: AdapterContext) => Promise<TableCatalog>;
  readonly objects?: (context: AdapterContext) => Promise<ObjectStore>;
  /** Reads what the store plans. */
  readonly engine?: (context: AdapterContext & { readonly store: TickStore }) => Promise<QueryEngine>;
  readonly dedup?: (context: AdapterContext & { readonly windowMs: number }) => Promise<DedupStore>;
}
