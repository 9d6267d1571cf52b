import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Container } from 'inversify';
import { DataDirectoryLock } from '@k2/adapter-sqlite';
import { OpenTelemetryTelemetry, runWithCorrelationId } from '@k2/adapter-telemetry';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import type {
  AdapterContext,
  MarketFeed,
  ObjectStore,
  OpenedStore,
  QueryEngine,
  Random,
  TickLog,
  TickStore,
} from '@k2/ports';
import { absentPort } from './absent-port.ts';
import { chooseAdapters, keepsInDirectory } from './adapter-choice.ts';
import { Closing, stopAndClose } from './closing.ts';
import { createFeed } from './create-feed.ts';
import { Dependencies } from './dependencies.ts';
import { probeDisk } from './disk-probe.ts';
import { openDataDirectory } from './data-directory.ts';
import { dataPaths } from './data-paths.ts';
import { catalogModule } from './modules/catalog.ts';
import { dedupModule } from './modules/dedup.ts';
import { engineModule } from './modules/engine.ts';
import { logModule } from './modules/log.ts';
import { objectsModule } from './modules/objects.ts';
import { storeModule } from './modules/store.ts';
import { systemModule } from './modules/system.ts';
import { Platform } from './platform.ts';
import { CALLERS_OWN, PROBES, WITHOUT } from './platform-health.ts';
import { openScratchDirectory } from './scratch-directory.ts';
import { isPackageName } from './setting-kinds.ts';
import type { Settings } from './settings.ts';
import { TOKENS } from './tokens.ts';
import { topicRules } from './topic-rules.ts';

export interface OpenOptions {
  /** `write` takes the lock of a data directory that something is kept in; `read` answers questions beside whoever holds it. */
  readonly access: 'read' | 'write';
  /** Command line, told to those who find the directory locked. */
  readonly command?: string;
  /** For adapters of other packages; the process's own where absent. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A platform, not yet started, and what belongs to its process. */
export interface OpenPlatform {
  readonly platform: Platform;
  readonly random: Random;
  /** Where the files of the tables are; null where the store keeps none, or the roles have no use of them. */
  readonly objects: ObjectStore | null;
  /** Of this process, for files on their way; deleted with it. Null where nothing is kept on disk. */
  readonly scratchDirectory: string | null;
  readonly createFeed: (spec: string) => MarketFeed;
  readonly runWithCorrelationId: typeof runWithCorrelationId;
  /** Prometheus' text format. */
  metrics(): Promise<string>;
  /** Tells commands that find the data directory held where the API listens. */
  announce(url: string): void;
  /**
   * Stops the platform, then gives everything back, within the drain and close time-outs of the settings. Rejects with an
   * AggregateError of what failed or did not end; all the rest is closed then, too.
   */
  close(): Promise<void>;
}

/**
 * Builds the object graph that the settings ask for, as far as the roles need it. Throws `directory-locked` where another
 * process writes to the data directory, `unavailable` where a part can't be opened or reached, `misconfigured` for
 * adapters that don't go together, packages that can't be loaded and feeds that can't be.
 */
export async function openPlatform(
  given: Settings,
  { access, command = '', env = process.env }: OpenOptions,
): Promise<OpenPlatform> {
  let settings = given;
  const choice = chooseAdapters(settings);
  const container = new Container({ defaultScope: 'Singleton' });
  await container.load(systemModule);
  const [clock, random, scheduler] = await Promise.all([
    container.getAsync(TOKENS.clock),
    container.getAsync(TOKENS.random),
    container.getAsync(TOKENS.scheduler),
  ]);
  const telemetry = new OpenTelemetryTelemetry({ clock, logLevel: settings.logLevel });
  const closing = new Closing({ clock, scheduler }, settings.closeTimeoutMs / 4);
  closing.add('telemetry', () => telemetry.close());
  const dependencies = new Dependencies({ clock, scheduler, telemetry });
  const opened = <Port>(name: string, port: Port): Port => {
    const { close: end } = port as { close?: () => unknown };
    if (end !== undefined) closing.add(name, () => end.call(port));
    return port;
  };
  /** Before it is used for the first time; the probe asks it directly. */
  const observed = <Port extends object>(name: string, port: Port): Port => {
    const probe = PROBES[name] as ((port: Port) => Promise<unknown>) | undefined;
    dependencies.add(name, WITHOUT[name] ?? 'the rest', probe === undefined ? null : () => probe(port));
    return dependencies.observed(name, port, CALLERS_OWN[name]);
  };
  try {
    const writes = access === 'write';
    const touchesDisk = choice.store !== 'memory' || choice.log !== 'memory' || isPackageName(choice.dedup ?? '');
    if (touchesDisk && (await openDataDirectory(settings.data, scheduler)) !== 0 && writes)
      telemetry.log('warn', 'other users of this machine may enter the data directory: chmod 700 keeps them out', {
        path: resolve(settings.data),
      });
    // Locations of tables are absolute: by whatever links a directory is reached, they are those of one path.
    if (touchesDisk) settings = { ...settings, data: await realpath(settings.data) };
    const lock =
      writes && keepsInDirectory(choice)
        ? await DataDirectoryLock.acquire(resolve(settings.data), { command, clock })
        : null;
    if (lock !== null) closing.add('lock', () => lock.release());
    const scratch = touchesDisk ? await openScratchDirectory(dataPaths(settings.data).temp) : null;
    if (scratch !== null) closing.add('scratch directory', () => scratch.remove());
    const scratchDirectory = scratch?.path ?? '';
    if (scratch !== null) dependencies.add('disk', WITHOUT['disk'], () => probeDisk(scratch.path));
    const context: AdapterContext = { clock, random, scheduler, telemetry, env, scratchDirectory };
    const rules = await topicRules(settings, choice);
    const input = { settings, choice, rules, scratchDirectory, context, opened, observed, writes };
    await container.load(
      logModule(input),
      catalogModule(input),
      objectsModule(input),
      storeModule(input),
      engineModule(input),
      dedupModule(input),
    );

    // An ingest process does its work while the catalog is away, and a reader while the log is.
    const needsLog = writes && settings.role.some((role) => role !== 'maintain');
    const needsStore = !writes || settings.role.some((role) => role !== 'ingest');
    const reason = `its roles are ${settings.role.join(', ')}`;
    const log = needsLog
      ? observed('log', opened('log', await container.getAsync(TOKENS.tickLog)))
      : absentPort<TickLog>('log', reason);
    const hasFiles = needsStore && choice.objects !== null;
    if (hasFiles) opened('catalog', await container.getAsync(TOKENS.tableCatalog));
    const objects = hasFiles ? opened('objects', await container.getAsync(TOKENS.objectStore)) : null;
    const absentStore: OpenedStore = { store: absentPort<TickStore>('store', reason) };
    const { store, maintenance } = needsStore ? await container.getAsync(TOKENS.openedStore) : absentStore;
    if (needsStore) opened('store', store);
    if (maintenance !== undefined) opened('maintenance', maintenance);
    const engine = needsStore
      ? observed('engine', opened('engine', await container.getAsync(TOKENS.queryEngine)))
      : absentPort<QueryEngine>('query engine', reason);
    if (needsStore && (writes || choice.store === 'memory')) await store.ensureTables(RECORD_SCHEMAS);

    const dedups = choice.dedup !== null && settings.role.includes('ingest') && writes;
    const dedup = dedups ? observed('dedup', opened('dedup', await container.getAsync(TOKENS.dedupStore))) : null;
    const ports = {
      log,
      dedup,
      store: dependencies.observed('store', store),
      maintenance: maintenance === undefined ? null : dependencies.observed('store', maintenance),
      engine,
      clock,
      random,
      scheduler,
      telemetry,
    };
    const feeds = settings.role.includes('ingest') ? settings.feeds.map((spec) => createFeed(spec, ports)) : [];
    const platform = new Platform(ports, settings, feeds, rules, dependencies);
    return {
      platform,
      random,
      objects,
      scratchDirectory: scratch?.path ?? null,
      createFeed: (spec) => createFeed(spec, ports),
      runWithCorrelationId,
      metrics: () => telemetry.prometheusText(),
      announce: (url) => lock?.setUrl(url),
      close: () => stopAndClose(platform, closing),
    };
  } catch (error) {
    // What failed first is what there is to mend; a port that cannot be closed either has the same reason.
    await closing.close().catch(() => undefined);
    throw error;
  }
}
