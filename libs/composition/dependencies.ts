import { isPortError, type Clock, type Scheduler, type Telemetry } from '@k2/ports';
import { within } from './closing.ts';

/** How one of the things that a process rests on is. */
export interface DependencyHealth {
  readonly name: string;
  /** `unknown`: nothing was asked of it yet. */
  readonly state: 'unknown' | 'up' | 'down';
  readonly sinceUs: number;
  /** Of the last failure, also after it; null if there was none. No message: those name addresses. */
  readonly lastErrorKind: string | null;
  /** What goes on without it. */
  readonly without: string;
}

interface Dependency {
  health: DependencyHealth;
  readonly probe: (() => Promise<unknown>) | null;
  /** By operation, those that failed not long ago. */
  readonly failures: Map<string, Failure>;
  /** When it last went down from having been well. */
  fellUs: number;
  isProbing: boolean;
}

interface Operation {
  readonly name: string;
  readonly isCallersOwn: boolean;
}

/** Whether a call, by its arguments, runs what its caller wrote: it may fail of itself on a port that is well. */
export type CallersOwn = (args: readonly unknown[]) => boolean;

interface Failure {
  /** The last one, monotonic µs. */
  readonly atUs: number;
  /** Whether it has succeeded since then. */
  succeeded: boolean;
  /** Whether it failed again soon after it had succeeded: for some objects or partitions it works, and for others not. */
  readonly isUnsteady: boolean;
}

/** What an error has to say for its port to be out of reach; other kinds are answers. */
const AWAY = ['unavailable', 'unknown-outcome', 'timeout', 'disconnected', 'disk-full'];
const PROBE_INTERVAL_MS = 5_000;
/** While something is down. */
const PROBE_INTERVAL_SHORT_MS = 1_000;
const PROBE_TIMEOUT_MS = 3_000;
/** A probe reads. It does not vouch for an operation that has failed within this time: appends fail while lists do not. */
const FAILURE_LASTS_US = 10_000_000;
/** Nor does a success of the same operation, if that fails again and again; longer than the sink's longest pause. */
const UNSTEADY_LASTS_US = 30_000_000;
const PROBE = 'probe';

/**
 * What a process rests on, watched in two ways: every call that it makes of a port anyway tells how the port is, and a
 * probe asks those that are idle, one at a time each and never for a request, so that nobody who asks for health waits or
 * makes load.
 */
export class Dependencies {
  private readonly ports: { readonly clock: Clock; readonly scheduler: Scheduler; readonly telemetry: Telemetry };
  private readonly dependencies = new Map<string, Dependency>();

  constructor(ports: Dependencies['ports']) {
    this.ports = ports;
    ports.telemetry.gauge('k2_dependency_up', 'Whether what the process rests on answers: 1 or 0.', () =>
      this.health.map(({ name, state }) => [state === 'down' ? 0 : 1, { dependency: name }] as const),
    );
  }

  get health(): readonly DependencyHealth[] {
    return [...this.dependencies.values()].map(({ health }) => health);
  }

  /** Adds one. The probe rejects with the PortError of a port that is out of reach. */
  add(name: string, without: string, probe: (() => Promise<unknown>) | null): void {
    const sinceUs = this.ports.clock.nowUs();
    const health = { name, state: 'unknown', sinceUs, lastErrorKind: null, without } as const;
    this.dependencies.set(name, { health, probe, failures: new Map(), fellUs: sinceUs, isProbing: false });
  }

  /**
   * The port, with the outcomes of its calls noted under the name. A full disk counts against the disk, whichever port
   * reports it. A call that is the `callersOwn` doing, such as a statement that a user wrote, does not count against the
   * port however it fails.
   */
  observed<Port extends object>(name: string, port: Port, callersOwn: CallersOwn = () => false): Port {
    return new Proxy(port, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          const result: unknown = member.apply(target, args);
          const operation = { name: String(key), isCallersOwn: callersOwn(args) };
          if (result instanceof Promise) this.note(name, operation, result);
          return result;
        };
      },
    });
  }

  /** Probes until the signal aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const [name, dependency] of this.dependencies) void this.ask(name, dependency);
      const isDown = this.health.some(({ state }) => state === 'down');
      await this.ports.scheduler.sleep(isDown ? PROBE_INTERVAL_SHORT_MS : PROBE_INTERVAL_MS, signal);
    }
  }

  private async ask(name: string, dependency: Dependency): Promise<void> {
    const { probe } = dependency;
    if (probe === null || dependency.isProbing) return;
    dependency.isProbing = true;
    const asked = probe();
    try {
      await within(this.ports.scheduler, PROBE_TIMEOUT_MS, () => asked);
      this.succeeded(name, PROBE);
    } catch (error) {
      const kind = isPortError(error) ? error.kind : 'timeout';
      if (AWAY.includes(kind)) this.failed(name, PROBE, kind);
      else this.succeeded(name, PROBE);
    }
    // One that does not answer is not asked once more beside it.
    await asked.catch(() => undefined);
    dependency.isProbing = false;
  }

  private note(name: string, { name: operation, isCallersOwn }: Operation, result: Promise<unknown>): void {
    result.then(
      () => this.succeeded(name, operation),
      (error: unknown) => {
        const kind = isPortError(error) ? error.kind : null;
        if (kind === 'disk-full' && this.dependencies.has('disk')) this.failed('disk', operation, kind);
        else if (kind !== null && AWAY.includes(kind)) {
          if (!isCallersOwn) this.failed(name, operation, kind);
        } else if (kind !== null && kind !== 'closed') this.succeeded(name, operation);
      },
    );
  }

  private failed(name: string, operation: string, kind: string): void {
    const dependency = this.dependencies.get(name);
    if (dependency === undefined) return;
    const before = this.lasting(dependency).get(operation);
    const isUnsteady = before !== undefined && (before.succeeded || before.isUnsteady);
    const atUs = this.ports.clock.monotonicUs();
    dependency.failures.set(operation, { atUs, succeeded: false, isUnsteady });
    this.turn(dependency, 'down', kind);
  }

  private succeeded(name: string, operation: string): void {
    const dependency = this.dependencies.get(name);
    if (dependency === undefined) return;
    const failures = this.lasting(dependency);
    const failure = failures.get(operation);
    if (failure !== undefined) failure.succeeded = true;
    for (const { succeeded, isUnsteady } of failures.values()) if (!succeeded || isUnsteady) return;
    this.turn(dependency, 'up', dependency.health.lastErrorKind);
  }

  /** The failures that still count. */
  private lasting({ failures }: Dependency): Map<string, Failure> {
    if (failures.size === 0) return failures;
    const nowUs = this.ports.clock.monotonicUs();
    for (const [operation, { atUs, succeeded, isUnsteady }] of failures) {
      const lastsUs = succeeded || isUnsteady ? UNSTEADY_LASTS_US : FAILURE_LASTS_US;
      if (nowUs - atUs > lastsUs) failures.delete(operation);
    }
    return failures;
  }

  private turn(dependency: Dependency, state: 'up' | 'down', lastErrorKind: string | null): void {
    const { health } = dependency;
    if (health.state === state) {
      if (health.lastErrorKind !== lastErrorKind) dependency.health = { ...health, lastErrorKind };
      return;
    }
    const { clock, telemetry } = this.ports;
    const nowUs = clock.nowUs();
    const fallsAgain = [...dependency.failures.values()].some(({ isUnsteady }) => isUnsteady);
    if (state === 'down' && !fallsAgain) dependency.fellUs = nowUs;
    // What only seemed to be well in between has been down all the time.
    dependency.health = { ...health, state, sinceUs: state === 'down' ? dependency.fellUs : nowUs, lastErrorKind };
    const { name, without } = health;
    if (state === 'down')
      telemetry.log('error', 'dependency is down', { dependency: name, kind: lastErrorKind, without });
    else if (health.state === 'down') telemetry.log('info', 'dependency is up again', { dependency: name });
  }
}
