import { relative } from 'node:path';
import type { Services } from '@k2/testing/services';
import { catalog, type TestbedServiceName } from './service-names.ts';
import type { Testbed } from './testbed.ts';
import type { TestbedService } from './testbed-service.ts';

export interface ServiceStatus {
  readonly service: TestbedServiceName;
  readonly title: string;
  readonly version: string;
  /** "silent" runs and does not answer. */
  readonly state: 'answers' | 'silent' | 'stopped';
  readonly endpoints: Partial<Services>;
  readonly ports: Readonly<Record<string, number>>;
  readonly pid: number | null;
  /** Of the server and all its children; what they share is counted for each. */
  readonly rssBytes: number | null;
  readonly logFile: string;
}

/** Asks every server of the testbed. */
export function statusOf(bed: Testbed): Promise<ServiceStatus[]> {
  return Promise.all(bed.services.map(serviceStatus));
}

async function serviceStatus(service: TestbedService): Promise<ServiceStatus> {
  const answers = await service.answers();
  const { running, pid, rssBytes } = await service.condition();
  return {
    service: service.name,
    title: catalog[service.name].title,
    version: service.version,
    // What answers on the port of a server that has stopped is another one.
    state: !running ? 'stopped' : answers ? 'answers' : 'silent',
    endpoints: service.endpoints,
    ports: service.site.ports,
    pid,
    rssBytes,
    logFile: service.site.logFile,
  };
}

/** One line for each listener that a client uses. */
export function statusTable(statuses: readonly ServiceStatus[], workingDirectory: string): string {
  const head = ['service', 'version', 'state', 'endpoint', 'port', 'pid', 'rss', 'log'];
  const rows = statuses.flatMap((status) =>
    addresses(status.endpoints).map(([address, port], index) => {
      if (index > 0) return ['', '', '', address, port, '', '', ''];
      const rss = status.rssBytes === null ? '-' : `${Math.round(status.rssBytes / 2 ** 20)} MB`;
      const log = relative(workingDirectory, status.logFile);
      return [status.service, status.version, status.state, address, port, String(status.pid ?? '-'), rss, log];
    }),
  );
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, at) => cell.padEnd(widths[at]))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** What a client is given, with its port. */
function addresses(endpoints: Partial<Services>): [address: string, port: string][] {
  return Object.values(endpoints).map((endpoint) => {
    if ('caFile' in endpoint) return [`${endpoint.brokers[0]} (TLS, SCRAM)`, portOf(endpoint.brokers[0])];
    if ('brokers' in endpoint) return [endpoint.brokers[0], portOf(endpoint.brokers[0])];
    const address = 'url' in endpoint ? endpoint.url : endpoint.endpoint;
    return [address, portOf(address)];
  });
}

function portOf(address: string): string {
  return /:(\d+)(?:\/|$)/.exec(address)?.[1] ?? '-';
}
