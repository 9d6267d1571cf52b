import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Random, Scheduler, Telemetry } from '@k2/ports';
import { IcebergTickStore, type IcebergTickStoreOptions } from '../iceberg-tick-store.ts';
import { DirectoryObjects } from './directory-objects.ts';
import { FakeCatalog } from './fake-catalog.ts';

/** A lake in a temporary directory; stores opened on it share catalog and objects. */
export class TestLake {
  readonly catalog = new FakeCatalog();
  readonly objects: DirectoryObjects;
  private readonly directory: string;
  private readonly options: Partial<IcebergTickStoreOptions>;
  private readonly random = new SeededRandom();
  private readonly stores: IcebergTickStore[] = [];

  private constructor(directory: string, options: Partial<IcebergTickStoreOptions>) {
    this.directory = directory;
    this.options = options;
    this.objects = new DirectoryObjects(join(directory, 'warehouse'));
  }

  static async create(options: Partial<IcebergTickStoreOptions> = {}): Promise<TestLake> {
    const directory = await mkdtemp(join(tmpdir(), 'k2-iceberg-'));
    await mkdir(join(directory, 'temp'));
    await mkdir(join(directory, 'warehouse'));
    return new TestLake(directory, options);
  }

  open(): IcebergTickStore {
    const { catalog, objects, random } = this;
    const store = new IcebergTickStore(
      {
        catalog,
        objects,
        random,
        clock: new StoppedClock(),
        scheduler: new ImmediateScheduler(),
        telemetry: new SilentTelemetry(),
      },
      { tempDirectory: join(this.directory, 'temp'), ...this.options },
    );
    this.stores.push(store);
    return store;
  }

  async keys(prefix: string): Promise<readonly string[]> {
    const keys: string[] = [];
    for await (const { key } of this.objects.list(prefix)) keys.push(key);
    return keys;
  }

  temporaryFiles(): Promise<readonly string[]> {
    return readdir(join(this.directory, 'temp'));
  }

  async close(): Promise<void> {
    for (const store of this.stores) await store.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Never moves: times of commits must rise even so. */
class StoppedClock implements Clock {
  nowUs(): number {
    return 1_700_000_000_000_123;
  }

  monotonicUs(): number {
    return 0;
  }
}

/** Ids beyond 2^53, next to each other: as numbers they would be equal. */
class SeededRandom implements Random {
  private count = 0;

  next(): number {
    return 0.5;
  }

  uuid(): string {
    return `00000000-0000-7000-8000-${String(++this.count).padStart(12, '0')}`;
  }

  int63(): bigint {
    return 0x7fff_ffff_ffff_0001n + 2n * BigInt(++this.count);
  }
}

class ImmediateScheduler implements Scheduler {
  async sleep(): Promise<void> {}

  async yield(): Promise<void> {}
}

class SilentTelemetry implements Telemetry {
  counter() {
    return { add: () => undefined };
  }

  histogram() {
    return { record: () => undefined };
  }

  gauge(): void {}

  log(): void {}
}
