import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Services } from '@k2/testing/services';
import { chooseProvider, providerOf } from './choose-provider.ts';
import { type Guard, guard } from './guard.ts';
import { freePorts } from './ports.ts';
import { noProgress, type Progress } from './progress.ts';
import type { ServiceProvider, ServiceRecord, Site } from './provider.ts';
import { serverNamed } from './servers/server-named.ts';
import { serviceNames, type TestbedServiceName } from './service-names.ts';
import { TestbedService } from './testbed-service.ts';

export interface TestbedOptions {
  /** Processes of this machine by default. */
  readonly provider?: ServiceProvider;
  /** Where data and logs go; by default a new one in the system's temporary directory. Deleted by `stop`. */
  readonly directory?: string;
  /** Settings of the servers themselves, by their own names: `{ postgres: { fsync: 'off' } }`. */
  readonly settings?: Partial<Record<TestbedServiceName, Readonly<Record<string, string>>>>;
  readonly progress?: Progress;
}

/**
 * Starts servers for the time that this process lives: should it end without `stop`, even by SIGKILL, they are stopped
 * and deleted all the same. Returns when each answers.
 */
export async function startTestbed(
  names: readonly TestbedServiceName[],
  options: TestbedOptions = {},
): Promise<Testbed> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'k2-testbed-'));
  const watcher = guard(directory);
  const bed = new Testbed(directory, options, watcher);
  try {
    await bed.start(names);
  } catch (error) {
    await bed.stop({ keepLogs: true });
    throw error;
  }
  return bed;
}

/** The testbed that has its data in that directory, whichever process started it; a new one where there is none. */
export async function openTestbed(
  directory: string,
  options: Omit<TestbedOptions, 'directory'> = {},
): Promise<Testbed> {
  const bed = new Testbed(directory, options, null);
  await bed.attach();
  return bed;
}

/** Servers with their data and logs in one directory. */
export class Testbed {
  readonly directory: string;
  private readonly options: TestbedOptions;
  private readonly guard: Guard | null;
  private readonly byName = new Map<TestbedServiceName, TestbedService>();

  constructor(directory: string, options: TestbedOptions, watcher: Guard | null) {
    this.directory = directory;
    this.options = options;
    this.guard = watcher;
  }

  get services(): readonly TestbedService[] {
    return serviceNames.flatMap((name) => this.byName.get(name) ?? []);
  }

  service(name: TestbedServiceName): TestbedService {
    const found = this.byName.get(name);
    if (found === undefined) throw new Error(`this testbed has no ${name}: name it when you start the testbed`);
    return found;
  }

  get endpoints(): Partial<Services> {
    return Object.assign({}, ...this.services.map((service) => service.endpoints)) as Partial<Services>;
  }

  /** The endpoints, for the environment variable `K2_SERVICES_FILE`. */
  get servicesFile(): string {
    return join(this.directory, 'services.json');
  }

  /**
   * Starts those that do not run yet, the new ones and the ones that were stopped; returns when each answers. Where one
   * cannot be started the others run on, and of a new one nothing but its log is left.
   */
  async start(names: readonly TestbedServiceName[]): Promise<void> {
    const known = names.flatMap((name) => this.byName.get(name) ?? []);
    const missing = names.filter((name) => !this.byName.has(name));
    await this.prepare(missing);
    const sites = await this.sitesFor(missing);
    const outcomes = await Promise.allSettled([
      ...known.map((service) => service.start()),
      ...missing.map((name, index) => this.startNew(name, sites[index])),
    ]);
    writeAtomically(this.servicesFile, this.endpoints);
    throwAll(outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : [])));
  }

  /** Ends all servers and deletes their data, and the logs too where they are not to be kept. */
  async stop({ keepLogs = false } = {}): Promise<void> {
    const outcomes = await Promise.allSettled(this.services.map((service) => service.remove()));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    this.byName.clear();
    for (const file of [this.runFile, this.servicesFile]) rmSync(file, { force: true });
    const logs = existsSync(this.directory) ? readdirSync(this.directory) : [];
    if (!keepLogs || logs.length === 0) rmSync(this.directory, { recursive: true, force: true });
    this.guard?.dismiss();
  }

  /** Ends one server for good and deletes its data; its log stays. */
  async discard(service: TestbedService): Promise<void> {
    await service.remove();
    this.byName.delete(service.name);
    this.save();
  }

  /** Takes over what another process started. */
  async attach(): Promise<void> {
    if (!existsSync(this.runFile)) return;
    const records = JSON.parse(readFileSync(this.runFile, 'utf8')) as ServiceRecord[];
    for (const record of records) {
      const provided = (await providerOf(record.provider)).attach(record);
      this.byName.set(record.name, new TestbedService(provided, await serverNamed(record.name), () => this.save()));
    }
  }

  /** What is missing on this machine is told at once, and not one more with each try. */
  private async prepare(names: readonly TestbedServiceName[]): Promise<void> {
    const failures: Error[] = [];
    for (const name of names) {
      try {
        await (await this.provider()).prepare(name, this.options.progress ?? noProgress);
      } catch (error) {
        failures.push(error as Error);
      }
    }
    throwAll(failures);
  }

  private async sitesFor(names: readonly TestbedServiceName[]): Promise<Site[]> {
    const listeners = await Promise.all(names.map(async (name) => (await serverNamed(name)).listeners));
    // Those of a service that is stopped look free.
    const taken = this.services.flatMap(({ site }) => Object.values(site.ports));
    const ports = await freePorts(listeners.flat().length, taken);
    return names.map((name, index) => ({
      directory: join(this.directory, name),
      logFile: join(this.directory, `${name}.log`),
      ports: Object.fromEntries(listeners[index].map((listener) => [listener, ports.pop() as number])),
      settings: this.options.settings?.[name] ?? {},
    }));
  }

  private async startNew(name: TestbedServiceName, site: Site): Promise<void> {
    // Of a start that was cut off.
    rmSync(site.directory, { recursive: true, force: true });
    mkdirSync(site.directory, { recursive: true });
    // PostgreSQL may have to run as another user.
    chmodSync(this.directory, 0o755);
    const provided = await (await this.provider()).create(name, site);
    const service = new TestbedService(provided, await serverNamed(name), () => this.save());
    this.byName.set(name, service);
    try {
      await service.start();
    } catch (error) {
      await this.discard(service);
      throw error;
    }
  }

  private get runFile(): string {
    return join(this.directory, 'run.json');
  }

  private save(): void {
    writeAtomically(
      this.runFile,
      this.services.map((service) => service.record()),
    );
  }

  /** Asked for only when something starts anew. */
  private async provider(): Promise<ServiceProvider> {
    return (this.chosen ??= this.options.provider ?? (await chooseProvider()));
  }
  private chosen: ServiceProvider | undefined;
}

function throwAll(errors: readonly Error[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, errors.map(({ message }) => message).join('\n'));
}

function writeAtomically(file: string, value: unknown): void {
  const next = `${file}.next`;
  writeFileSync(next, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(next, file);
}
