import { PortError } from '@k2/ports/port-error';
import { isPackageName } from './setting-kinds.ts';
import type { Settings } from './settings.ts';

/** Which adapter stands behind each port, by short name or package. */
export interface AdapterChoice {
  readonly log: string;
  readonly store: string;
  /** Of the iceberg store; null where another one keeps its files its own way. */
  readonly catalog: string | null;
  readonly objects: string | null;
  readonly engine: string;
  /** Null: every line is recorded. */
  readonly dedup: string | null;
}

const PRESETS = {
  embedded: { log: 'sqlite', store: 'iceberg', catalog: 'sqlite', objects: 'filesystem' },
  services: { log: 'kafka', store: 'iceberg', catalog: 'postgres', objects: 's3' },
  memory: { log: 'memory', store: 'memory', catalog: 'sqlite', objects: 'filesystem' },
} as const;

/** The preset of `storage`, and what the settings name instead. Throws `misconfigured` for what does not go together. */
export function chooseAdapters(settings: Settings): AdapterChoice {
  const preset = PRESETS[settings.storage];
  const store = named(settings.store) ?? preset.store;
  const isIceberg = store === 'iceberg';
  for (const [key, value] of [
    ['catalog', settings.catalog],
    ['objects', settings.objects],
  ]) {
    if (!isIceberg && value !== AUTO)
      throw misfit(`K2_${key.toUpperCase()} is ${value}, but the store is ${store}: only iceberg lets you choose it`);
  }
  const engine = named(settings.engine) ?? (isIceberg ? 'duckdb' : store);
  if ((engine === 'memory') !== (store === 'memory'))
    throw misfit(`the engine ${engine} cannot read what the store ${store} keeps: choose them together`);
  const catalog = isIceberg ? (named(settings.catalog) ?? preset.catalog) : null;
  const objects = isIceberg ? (named(settings.objects) ?? preset.objects) : null;
  if (engine === 'trino' && (catalog !== 'postgres' || objects !== 's3')) {
    const kept = isIceberg ? `catalog ${catalog} and its files in ${objects}` : `store ${store}`;
    throw misfit(
      `the engine trino reads iceberg tables of the catalog postgres with files in s3, and these are in the ${kept}: set K2_STORAGE to services`,
    );
  }
  const log = named(settings.log) ?? preset.log;
  if (store === 'memory' && (log === 'kafka' || isPackageName(log)))
    throw misfit(`the store memory forgets with its process what the log ${log} keeps: choose the log memory too`);
  return {
    log,
    store,
    catalog,
    objects,
    engine,
    dedup: settings.dedup === 'none' ? null : settings.dedup,
  };
}

const AUTO = 'auto';

function named(setting: string): string | null {
  return setting === AUTO ? null : setting;
}

/** Whether something lies in the data directory that only one process may write. */
export function keepsInDirectory({ log, catalog, objects }: AdapterChoice): boolean {
  return log === 'sqlite' || catalog === 'sqlite' || objects === 'filesystem';
}

function misfit(message: string): PortError {
  return new PortError('misconfigured', message);
}
