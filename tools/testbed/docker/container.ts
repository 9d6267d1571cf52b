import { appendFile, rm, writeFile } from 'node:fs/promises';
import type { ContainerRuntimeClient } from 'testcontainers';
import type { Condition, ProvidedService, ServiceRecord, Site } from '../provider.ts';
import type { TestbedServiceName } from '../service-names.ts';
import { containerLog } from './container-log.ts';
import type { ContainerPlan } from './recipe.ts';

type Container = ReturnType<ContainerRuntimeClient['container']['getById']>;

interface ContainerState {
  readonly containerId: string;
}

/** By it a person finds what a testbed left, should it ever leave something. */
const label = 'k2.testbed';
const endGraceSeconds = 20;

/** A container that does not run yet. */
export async function createContainer(
  client: ContainerRuntimeClient,
  service: {
    readonly name: TestbedServiceName;
    readonly version: string;
    readonly site: Site;
    readonly image: string;
    readonly plan: ContainerPlan;
  },
): Promise<ProvidedService> {
  const { name, version, site, image, plan } = service;
  const ports = Object.entries(plan.ports).map(([listener, port]) => [`${port}/tcp`, site.ports[listener]] as const);
  const container = await client.container.create({
    Image: image,
    Labels: { [label]: site.directory },
    Env: Object.entries(plan.env ?? {}).map(([key, value]) => `${key}=${value}`),
    ExposedPorts: Object.fromEntries(ports.map(([port]) => [port, {}])),
    HostConfig: {
      PortBindings: Object.fromEntries(
        ports.map(([port, published]) => [port, [{ HostIp: '127.0.0.1', HostPort: String(published) }]]),
      ),
      // Whatever the daemon's own way is, we read the log.
      LogConfig: { Type: 'json-file', Config: {} },
    },
    ...(plan.entrypoint !== undefined && { Entrypoint: [...plan.entrypoint] }),
    ...(plan.command !== undefined && { Cmd: [...plan.command] }),
    ...(plan.stopSignal !== undefined && { StopSignal: plan.stopSignal }),
  });
  await appendFile(site.logFile, '');
  return new ContainerService(name, version, site, container);
}

export function attachedContainer(
  client: ContainerRuntimeClient,
  { name, version, site, state }: ServiceRecord,
): ProvidedService {
  const { containerId } = state as ContainerState;
  return new ContainerService(name, version, site, client.container.getById(containerId));
}

class ContainerService implements ProvidedService {
  readonly name: TestbedServiceName;
  readonly version: string;
  readonly site: Site;
  private readonly container: Container;
  private logTakenMs = -Infinity;

  constructor(name: TestbedServiceName, version: string, site: Site, container: Container) {
    this.name = name;
    this.version = version;
    this.site = site;
    this.container = container;
  }

  async launch(): Promise<void> {
    // 304: it runs.
    await unless(304, this.container.start());
  }

  async terminate(): Promise<void> {
    await this.resume();
    await unless(304, this.container.stop({ t: endGraceSeconds }));
    await this.takeLog();
  }

  async kill(): Promise<void> {
    const { running } = await this.state();
    if (running) {
      // 409: it has ended in the meantime.
      await unless(409, this.container.kill());
      await this.container.wait({ condition: 'not-running' });
    }
    await this.takeLog();
  }

  async pause(): Promise<void> {
    const { running, paused } = await this.state();
    if (running && !paused) await this.container.pause();
  }

  async resume(): Promise<void> {
    const { paused } = await this.state();
    if (paused) await this.container.unpause();
  }

  async condition(): Promise<Condition> {
    const { running } = await this.state();
    if (!running || performance.now() - this.logTakenMs > logEveryMs) await this.takeLog();
    // The daemon may be in a machine of its own, whose pids mean nothing here.
    return { running, pid: null, rssBytes: null };
  }

  async remove(): Promise<void> {
    await this.takeLog();
    await unless(404, this.container.remove({ force: true, v: true }));
    await rm(this.site.directory, { recursive: true, force: true });
  }

  record(): ServiceRecord {
    const state: ContainerState = { containerId: this.container.id };
    return { provider: 'docker', name: this.name, version: this.version, site: this.site, state };
  }

  /** One that somebody else has removed does not run. */
  private async state(): Promise<{ readonly running: boolean; readonly paused: boolean }> {
    const found = await unless(404, this.container.inspect());
    return { running: found?.State.Running === true, paused: found?.State.Paused === true };
  }

  private async takeLog(): Promise<void> {
    this.logTakenMs = performance.now();
    const log = await unless(404, this.container.logs({ stdout: true, stderr: true, tail: logLinesMax }));
    if (log !== undefined) await writeFile(this.site.logFile, containerLog(log));
  }
}

const logEveryMs = 1_000;
const logLinesMax = 100_000;

/** Undefined where the daemon answers with that status, which says that there is nothing to do. */
async function unless<Result>(status: number, answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === status) return undefined;
    throw error;
  }
}
