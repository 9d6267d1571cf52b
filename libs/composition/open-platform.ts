import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Container } from 'inversify';
import { DataDirectoryLock } from '@k2/adapter-sqlite';
import { OpenTelemetryTelemetry, runWithCorrelationId } from '@k2/adapter-telemetry';
import { RECORD_SCHEMAS } from '@k2/domain/market';
import type { MarketFeed, Random } from '@k2/ports';
import { createFeed } from './create-feed.ts';
import {
  dataPaths,
  icebergModule,
  memoryLogModule,
  memoryStoreModule,
  sqliteLogModule,
  systemModule,
} from './modules.ts';
import { Platform } from './platform.ts';
import type { Settings } from './settings.ts';
import { TOKENS } from './tokens.ts';

export interface OpenOptions {
  /** `write` takes the data directory's lock; `read` answers questions beside whoever holds it. */
  readonly access: 'read' | 'write';
  /** Command line, told to those who find the directory locked. */
  readonly command?: string;
}

/** A platform, not yet started, and what belongs to its process. */
export interface OpenPlatform {
  readonly platform: Platform;
  readonly random: Random;
  readonly createFeed: (spec: string) => MarketFeed;
  readonly runWithCorrelationId: typeof runWithCorrelationId;
  /** Prometheus' text format. */
  metrics(): Promise<string>;
  /** Tells commands that find the data directory held where the API listens. */
  announce(url: string): void;
  /** Stops the platform, then gives everything back. */
  close(): Promise<void>;
}

/**
 * Builds the object graph that the settings ask for. Throws `directory-locked` where another process writes to the data
 * directory, `unavailable` where something in it can't be opened, `misconfigured` for a feed that can't be.
 */
export async function openPlatform(settings: Settings, { access, command = '' }: OpenOptions): Promise<OpenPlatform> {
  const container = new Container({ defaultScope: 'Singleton' });
  await container.load(systemModule);
  const [clock, random] = await Promise.all([container.getAsync(TOKENS.clock), container.getAsync(TOKENS.random)]);
  const telemetry = new OpenTelemetryTelemetry({ clock, logLevel: settings.logLevel });
  container.bind(TOKENS.telemetry).toConstantValue(telemetry);
  const writes = access === 'write' && settings.storage === 'embedded';
  await container.load(...storageModules(settings, writes));

  const closing: (() => unknown)[] = [() => telemetry.close()];
  const close = async () => {
    while (closing.length > 0) await closing.pop()!();
  };
  try {
    const lock = writes ? await DataDirectoryLock.acquire(resolve(settings.data), { command, clock }) : null;
    if (lock !== null) {
      closing.push(() => lock.release());
      // Files on their way to the warehouse when an earlier process died: under the lock, nobody else's.
      await rm(dataPaths(settings.data).temp, { recursive: true, force: true });
    }
    const scheduler = await container.getAsync(TOKENS.scheduler);
    const log = await container.getAsync(TOKENS.tickLog);
    closing.push(() => log.close());
    if (settings.storage === 'embedded') {
      const catalog = await container.getAsync(TOKENS.tableCatalog);
      closing.push(() => catalog.close());
    }
    const store = await container.getAsync(TOKENS.tickStore);
    closing.push(() => store.close());
    const engine = await container.getAsync(TOKENS.queryEngine);
    closing.push(() => engine.close());
    if (access === 'write' || settings.storage === 'memory') await store.ensureTables(RECORD_SCHEMAS);

    const ports = { log, store, engine, clock, random, scheduler, telemetry };
    const feeds = settings.role.includes('ingest') ? settings.feeds.map((spec) => createFeed(spec, ports)) : [];
    const platform = new Platform(ports, settings, feeds);
    closing.push(() => platform.stop());
    return {
      platform,
      random,
      createFeed: (spec) => createFeed(spec, ports),
      runWithCorrelationId,
      metrics: () => telemetry.prometheusText(),
      announce: (url) => lock?.setUrl(url),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function storageModules(settings: Settings, writes: boolean) {
  if (settings.storage === 'memory') return [memoryLogModule, memoryStoreModule];
  return [writes ? sqliteLogModule(settings) : memoryLogModule, icebergModule(settings)];
}
