import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Random, Scheduler, Telemetry } from '@k2/ports';
import { IcebergTableMaintenance, type IcebergTableMaintenanceOptions } from '../iceberg-table-maintenance.ts';
import { IcebergTickStore, type IcebergTickStoreOptions } from '../iceberg-tick-store.ts';
import { parseMetadata } from '../format/metadata-json.ts';
import type { TableMetadata } from '../format/metadata.ts';
import { DirectoryObjects } from './directory-objects.ts';
import { FakeCatalog } from './fake-catalog.ts';

export type TestLakeOptions = Partial<IcebergTickStoreOptions & IcebergTableMaintenanceOptions>;

/** A lake in a temporary directory; stores opened on it share catalog and objects, and a clock that tests move. */
export class TestLake {
  readonly catalog = new FakeCatalog();
  readonly clock = new TestClock();
  readonly objects: DirectoryObjects;
  private readonly directory: string;
  private readonly options: TestLakeOptions;
  private readonly random = new SeededRandom();
  private readonly opened: { close(): Promise<void> }[] = [];

  private constructor(directory: string, options: TestLakeOptions) {
    this.directory = directory;
    this.options = options;
    this.objects = new DirectoryObjects(join(directory, 'warehouse'), this.clock);
  }

  static async create(options: TestLakeOptions = {}): Promise<TestLake> {
    const directory = await mkdtemp(join(tmpdir(), 'k2-iceberg-'));
    await mkdir(join(directory, 'temp'));
    await mkdir(join(directory, 'warehouse'));
    return new TestLake(directory, options);
  }

  /** `clock`: of a writer on another machine. */
  open(options: TestLakeOptions = {}, clock: Clock = this.clock): IcebergTickStore {
    const store = new IcebergTickStore(this.ports(clock), this.optionsWith(options));
    this.opened.push(store);
    return store;
  }

  openMaintenance(options: TestLakeOptions = {}): IcebergTableMaintenance {
    const maintenance = new IcebergTableMaintenance(this.ports(this.clock), this.optionsWith(options));
    this.opened.push(maintenance);
    return maintenance;
  }

  /** From now on names of files do not tell their content, as those of other engines do not. */
  nameAsOthers(): void {
    this.random.variant = '0';
  }

  private ports(clock: Clock) {
    const { catalog, objects, random } = this;
    return { catalog, objects, random, clock, scheduler: new ImmediateScheduler(), telemetry: new SilentTelemetry() };
  }

  private optionsWith(options: TestLakeOptions) {
    return { tempDirectory: join(this.directory, 'temp'), ...this.options, ...options };
  }

  /** A table's metadata as any other engine would read it. */
  async metadata(table: string): Promise<TableMetadata> {
    const location = (await this.catalog.metadataLocation(table))!;
    return parseMetadata(new TextDecoder().decode(await this.objects.get(this.objects.key(location))));
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
    for (const one of this.opened) await one.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Moves only when told to: times of commits must rise even so. */
export class TestClock implements Clock {
  private wallUs = 1_700_000_000_000_123;

  nowUs(): number {
    return this.wallUs;
  }

  monotonicUs(): number {
    return 0;
  }

  advanceMs(ms: number): void {
    this.wallUs += ms * 1_000;
  }
}

/** Ids beyond 2^53, next to each other: as numbers they would be equal. */
class SeededRandom implements Random {
  /** Of no UUID if it is 0. */
  variant: '0' | '8' = '8';
  private count = 0;

  next(): number {
    return 0.5;
  }

  uuid(): string {
    return `${(++this.count).toString(16).padStart(8, '0')}-0000-7000-${this.variant}000-000000000000`;
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
