import type { Progress } from './progress.ts';
import type { TestbedServiceName } from './service-names.ts';

/** What a run of the testbed sets aside for one service; the same for the service's whole life. */
export interface Site {
  /** For its data, certificates and configuration alone. Exists. */
  readonly directory: string;
  /** Everything the server prints, over all its starts. */
  readonly logFile: string;
  /** Free on 127.0.0.1 when they were chosen, by the names that the service's definition gives its listeners. */
  readonly ports: Readonly<Record<string, number>>;
  /** Settings of the server itself, by its own names, over those of the testbed. */
  readonly settings: Readonly<Record<string, string>>;
}

/** One way to have servers: as processes of this machine, or as containers. */
export interface ServiceProvider {
  readonly kind: 'process' | 'docker';
  /** Gets what the service needs onto this machine. Where that is impossible, the error says what to do. */
  prepare(name: TestbedServiceName, progress: Progress): Promise<void>;
  /** A new service without data, not yet launched. Call after `prepare`. */
  create(name: TestbedServiceName, site: Site): Promise<ProvidedService>;
  /** A service that another process created, from its record. */
  attach(record: ServiceRecord): ProvidedService;
}

/** One server. Every method may be called in every state, and leaves the data alone but for `remove`. */
export interface ProvidedService {
  readonly name: TestbedServiceName;
  readonly version: string;
  readonly site: Site;
  /** Starts it on its ports and its data; returns before it answers. Does nothing where it runs. */
  launch(): Promise<void>;
  /** Asks it to end in good order, and ends it by force where it does not. Returns when it is gone. */
  terminate(): Promise<void>;
  /** Ends it at once, with everything it started, as a power cut would. Returns when it is gone. */
  kill(): Promise<void>;
  /** Freezes it: its connections stay open, and nothing answers. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  condition(): Promise<Condition>;
  /** Ends it, and deletes its directory and whatever else it left, except the log file. */
  remove(): Promise<void>;
  /** Changes with each launch. */
  record(): ServiceRecord;
}

export interface Condition {
  readonly running: boolean;
  /** Null for what does not run, or runs where this machine cannot see it. */
  readonly pid: number | null;
  readonly rssBytes: number | null;
}

/** What `attach` needs to take over a service; JSON. */
export interface ServiceRecord {
  readonly provider: ServiceProvider['kind'];
  readonly name: TestbedServiceName;
  readonly version: string;
  readonly site: Site;
  /** The provider's own. */
  readonly state: unknown;
}
