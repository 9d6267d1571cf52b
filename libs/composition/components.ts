import { isPortError, type Clock, type Scheduler, type Telemetry } from '@k2/ports';
import { allOf, messageOf, within } from './closing.ts';

/** How one of the things that a process runs is: its sink, its maintenance, a feed. */
export interface ComponentHealth {
  readonly name: string;
  /** `ended`: it did all there was to do, or was asked to stop. `failed`: it does not run again in this process. */
  readonly state: 'running' | 'ended' | 'failed';
  readonly sinceUs: number;
  /** Of a failed one: the kind of its error, `bug` if it is of none. */
  readonly errorKind: string | null;
}

interface Component {
  health: ComponentHealth;
  readonly ended: Promise<void>;
}

/** What runs in a process, each for itself: one that fails is told of, and the others go on. */
export class Components {
  private readonly ports: {
    readonly clock: Clock;
    readonly scheduler: Scheduler;
    readonly telemetry: Telemetry;
  };
  private readonly components: Component[] = [];
  private failure: Error | null = null;

  constructor(ports: Components['ports']) {
    this.ports = ports;
  }

  /** Null while none has failed; otherwise why the first did. */
  get failed(): Error | null {
    return this.failure;
  }

  get health(): readonly ComponentHealth[] {
    return this.components.map(({ health }) => health);
  }

  watch(name: string, running: Promise<unknown>): void {
    const { clock, telemetry } = this.ports;
    const turn = (state: ComponentHealth['state'], errorKind: string | null): ComponentHealth => ({
      name,
      state,
      sinceUs: clock.nowUs(),
      errorKind,
    });
    const component: Component = {
      health: turn('running', null),
      ended: running.then(
        () => void (component.health = turn('ended', null)),
        (error: unknown) => {
          const errorKind = isPortError(error) ? error.kind : 'bug';
          component.health = turn('failed', errorKind);
          this.failure ??= error instanceof Error ? error : new Error(String(error));
          telemetry.log('error', 'component stopped permanently', {
            component: name,
            kind: errorKind,
            error: messageOf(error),
          });
        },
      ),
    };
    this.components.push(component);
  }

  /** Rejects when some of them have not ended in time: a feed may hang in a read, a sink in a commit. */
  async end(timeoutMs: number): Promise<void> {
    const ends = this.components.map(async ({ health: { name }, ended }) => {
      try {
        await within(this.ports.scheduler, timeoutMs, () => ended);
      } catch (cause) {
        throw new Error(`${name}: ${messageOf(cause)}`, { cause });
      }
    });
    const errors = (await Promise.allSettled(ends)).flatMap((one) =>
      one.status === 'rejected' ? [one.reason as Error] : [],
    );
    if (errors.length > 0) throw allOf(errors);
  }
}
