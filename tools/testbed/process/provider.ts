import { rmSync } from 'node:fs';
import type { Progress } from '../progress.ts';
import type { ProvidedService, ServiceProvider, ServiceRecord, Site } from '../provider.ts';
import type { TestbedServiceName } from '../service-names.ts';
import { type Command, conditionOf, isRunning, kill, launch, pause, resume, terminate } from './local-process.ts';
import type { ProcessIdentity } from './local-process.ts';
import type { InstalledServer, ProcessRecipe } from './recipe.ts';

interface ProcessState {
  readonly command: Command;
  readonly identity: ProcessIdentity | null;
}

/** Servers as plain processes of this machine, listening on 127.0.0.1 only. */
export function processProvider(
  recipeOf: (name: TestbedServiceName) => Promise<ProcessRecipe> = usualRecipe,
): ServiceProvider {
  if (process.platform === 'win32') {
    throw new Error('the testbed does not start servers as processes of Windows: use WSL, or Docker');
  }
  const installed = new Map<TestbedServiceName, Promise<InstalledServer>>();
  const install = (name: TestbedServiceName, progress: Progress) => {
    const known = installed.get(name);
    if (known !== undefined) return known;
    const installing = recipeOf(name).then((recipe) => recipe.install(progress));
    installed.set(name, installing);
    installing.catch(() => installed.delete(name));
    return installing;
  };

  return {
    kind: 'process',
    async prepare(name, progress) {
      await install(name, progress);
    },
    async create(name, site) {
      const server = await installed.get(name);
      if (server === undefined) throw new Error(`${name} is created before it is prepared`);
      const command = await server.layOut(site);
      return new ProcessService(name, server.version, site, { command, identity: null });
    },
    attach({ name, version, site, state }) {
      return new ProcessService(name, version, site, state as ProcessState);
    },
  };
}

class ProcessService implements ProvidedService {
  readonly name: TestbedServiceName;
  readonly version: string;
  readonly site: Site;
  private readonly command: Command;
  private identity: ProcessIdentity | null;

  constructor(name: TestbedServiceName, version: string, site: Site, state: ProcessState) {
    this.name = name;
    this.version = version;
    this.site = site;
    this.command = state.command;
    this.identity = state.identity;
  }

  async launch(): Promise<void> {
    if (this.identity !== null && isRunning(this.identity)) return;
    try {
      this.identity = await launch(this.command, this.site.logFile);
    } catch (cause) {
      throw new Error(`${this.name} cannot be started (${this.command.file}): ${(cause as Error).message}`, { cause });
    }
  }

  async terminate(): Promise<void> {
    if (this.identity !== null) await terminate(this.identity, this.command.stopSignal);
  }

  async kill(): Promise<void> {
    if (this.identity !== null) await kill(this.identity);
  }

  async pause(): Promise<void> {
    if (this.identity !== null) pause(this.identity);
  }

  async resume(): Promise<void> {
    if (this.identity !== null) resume(this.identity);
  }

  async condition() {
    return conditionOf(this.identity);
  }

  async remove(): Promise<void> {
    await this.kill();
    for (const directory of [this.site.directory, this.command.directory]) {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  record(): ServiceRecord {
    const state: ProcessState = { command: this.command, identity: this.identity };
    return { provider: 'process', name: this.name, version: this.version, site: this.site, state };
  }
}

/** Read only when it is wanted. */
async function usualRecipe(name: TestbedServiceName): Promise<ProcessRecipe> {
  switch (name) {
    case 'kafka':
      return (await import('./kafka.ts')).kafka;
    case 'schema-registry':
      return (await import('./schema-registry.ts')).schemaRegistry;
    case 'postgres':
      return (await import('./postgres.ts')).postgres;
    case 'minio':
      return (await import('./minio.ts')).minio;
    case 'versitygw':
      return (await import('./versitygw.ts')).versitygw;
    case 'redis':
      return (await import('./redis.ts')).redis;
    case 'trino':
      return (await import('./trino.ts')).trino;
    case 'spark':
      return (await import('./spark.ts')).spark;
  }
}
