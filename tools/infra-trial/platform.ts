import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { workspaceRoot } from '../testbed/places.ts';
import { freePorts } from '../testbed/ports.ts';
import { waitUntil } from '../testbed/wait-until.ts';
import type { Docker } from './docker.ts';

const project = 'k2-trial';
const composeFile = join(workspaceRoot, 'infra', 'compose.yaml');
const roles = ['ingest', 'sink', 'api', 'maintain'];
/** One container a role, and a second sink. */
const roleContainers = 5;
const startSecondsMax = 300;
const recordTimeoutMs = 300_000;
const scrapeTimeoutMs = 60_000;

interface ContainerRow {
  readonly Name: string;
  readonly Service: string;
  readonly State: string;
  readonly Health: string;
  readonly ExitCode: number;
  readonly Publishers: readonly { readonly URL: string; readonly PublishedPort: number }[] | null;
}

/** The compose file's containers under a project name of their own, on ports that are free. */
export class Platform {
  readonly ticks: number;
  private readonly docker: Docker;
  private readonly env: Readonly<Record<string, string>>;
  private readonly api: string;
  private readonly prometheus: string;

  static async withTicks(ticks: number, docker: Docker): Promise<Platform> {
    return new Platform(ticks, docker, await freePorts(2));
  }

  constructor(ticks: number, docker: Docker, [api, prometheus]: readonly number[]) {
    this.ticks = ticks;
    this.docker = docker;
    this.api = `http://127.0.0.1:${api}`;
    this.prometheus = `http://127.0.0.1:${prometheus}`;
    this.env = {
      K2_API_PORT: String(api),
      K2_PROMETHEUS_PORT: String(prometheus),
      K2_FEED: `simulator:ticks=${ticks},rate=max,start=2026-01-05T00:00:00Z,step=1000`,
    };
  }

  compose(...args: readonly string[]): Promise<string> {
    const all = ['compose', '--progress', 'quiet', '--project-name', project, '--file', composeFile, ...args];
    return this.docker.run(all, { env: this.env });
  }

  /** All but Grafana, of which there is no stand-in. Returns when every health check has passed. */
  async up(): Promise<void> {
    await this.compose('up', '--no-build', '--wait', '--wait-timeout', String(startSecondsMax), ...roles, 'prometheus');
  }

  /** Every tick of the feed is in the tables once; asked at the published port. */
  async readBack(): Promise<string> {
    const failed = () => new Error(`the tables do not have ${this.ticks} ticks after ${recordTimeoutMs / 1000} s`);
    await waitUntil(async () => (await this.rows()) >= this.ticks, recordTimeoutMs, failed, 500);
    const sql =
      'select count(*) as ticks, count(distinct (kind, exchange, symbol, source_sequence)) as numbers from (' +
      "select 'trade' as kind, exchange, symbol, source_sequence from trades union all " +
      "select 'quote', exchange, symbol, source_sequence from quotes)";
    const [{ ticks, numbers }] = await this.query(sql);
    if (ticks !== this.ticks || numbers !== this.ticks) {
      throw new Error(`of ${this.ticks} ticks the tables have ${ticks}, of which ${numbers} are different`);
    }
    return `${ticks} ticks sent, ${ticks} read back, ${numbers} different ones`;
  }

  /** `k2` in a container asks the server beside it. */
  async command(): Promise<string> {
    const printed = await this.compose('exec', '--no-TTY', 'api', 'k2', 'stats', '--json');
    if (!printed.includes('market_data.trades')) throw new Error(`k2 stats printed ${printed}`);
    return 'k2 stats answers in the container of the API';
  }

  async hardened(): Promise<string> {
    const uid = (await this.compose('exec', '--no-TTY', 'sink', 'id', '-u')).trim();
    if (uid === '0') throw new Error('K2 runs as root');
    const wrote = await this.compose('exec', '--no-TTY', 'sink', 'touch', '/k2/written').then(
      () => true,
      () => false,
    );
    if (wrote) throw new Error('the root file system can be written to');
    const open = (await this.containers()).flatMap(({ Publishers }) => Publishers ?? []).filter(isOpen);
    if (open.length > 0) throw new Error(`published beyond this machine: ${JSON.stringify(open)}`);
    return `user ${uid}, root file system read-only, ports on 127.0.0.1 only`;
  }

  /** Prometheus scrapes every replica, has loaded the rules, and none of them fails. */
  async scraped(): Promise<string> {
    const up = async () => {
      const { activeTargets } = await this.prometheusData<{ activeTargets: { health: string }[] }>('targets');
      return activeTargets.filter(({ health }) => health === 'up').length;
    };
    const failed = async () => new Error(`Prometheus sees ${await up()} of ${roleContainers} processes`);
    await waitUntil(async () => (await up()) === roleContainers, scrapeTimeoutMs, failed, 500);
    interface Rules {
      groups: { rules: { name: string; health: string; lastError?: string }[] }[];
    }
    const rules = async () => (await this.prometheusData<Rules>('rules')).groups.flatMap((group) => group.rules);
    const unknown = async () =>
      new Error(
        `rules that were not evaluated: ${JSON.stringify((await rules()).filter(({ health }) => health !== 'ok'))}`,
      );
    const sound = async () => {
      const all = await rules();
      return all.length > 0 && all.every(({ health }) => health === 'ok');
    };
    await waitUntil(sound, scrapeTimeoutMs, unknown, 500);
    return `Prometheus scrapes ${roleContainers} processes and evaluates ${(await rules()).length} rules`;
  }

  /** SIGTERM: what was received is committed, then the process ends by itself. */
  async drained(): Promise<string> {
    await this.compose('stop', ...roles);
    const containers = (await this.containers()).filter(({ Service }) => roles.includes(Service));
    const wrong = containers.filter(({ State, ExitCode }) => State !== 'exited' || ExitCode !== 0);
    if (containers.length !== roleContainers || wrong.length > 0) {
      throw new Error(
        `did not end in good order: ${JSON.stringify(wrong.map(({ Name, ExitCode }) => [Name, ExitCode]))}`,
      );
    }
    return `${containers.length} processes ended with 0 at SIGTERM`;
  }

  async logs(): Promise<string> {
    return this.compose('logs', '--no-color', '--tail', '30').catch((error: Error) => error.message);
  }

  async down(): Promise<void> {
    await this.compose('down', '--volumes', '--timeout', '30');
  }

  private async containers(): Promise<ContainerRow[]> {
    const lines = (await this.compose('ps', '--all', '--format', 'json')).trim().split('\n');
    return lines.map((line) => JSON.parse(line) as ContainerRow);
  }

  private async rows(): Promise<number> {
    const stats = (await json(`${this.api}/v1/stats`)) as { tables: { table: string; rowCount: number }[] };
    const ticks = stats.tables.filter(({ table }) => table.startsWith('market_data.'));
    return ticks.reduce((sum, { rowCount }) => sum + rowCount, 0);
  }

  private async query(sql: string): Promise<Record<string, number>[]> {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ sql }) };
    return ((await json(`${this.api}/v1/query`, init)) as { data: Record<string, number>[] }).data;
  }

  private async prometheusData<Data>(what: string): Promise<Data> {
    return ((await json(`${this.prometheus}/api/v1/${what}`)) as { data: Data }).data;
  }
}

function isOpen({ URL, PublishedPort }: { readonly URL: string; readonly PublishedPort: number }): boolean {
  return PublishedPort !== 0 && URL !== '127.0.0.1';
}

const triesMax = 5;

async function json(url: string, init: RequestInit = {}): Promise<unknown> {
  for (let tries = 1; ; tries++) {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
    if (response.ok) return response.json();
    if (tries === triesMax) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
    await delay(1_000);
  }
}
