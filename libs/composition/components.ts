import { isPortError, type Clock, type Scheduler, type Telemetry } from '@k2/ports';
import { allOf, messageOf, within } from './closing.ts';

/** How one of the things that a process runs is: its sink, its maintenance, a feed. */
export interface ComponentHealth {
  readonly name: string;
  /**
   * `failing`: it runs, and what it tries again and again comes to nothing. `ended`: it did all there was to do, or was
   * asked to stop. `failed`: it does not run again in this process.
   */
  readonly state: 'running' | 'failing' | 'ended' | 'failed';
  readonly sinceUs: number;
  /** Of a failing or failed one: the kind of its error, `bug` if it is of none. */
  readonly errorKind: string | null;
}

/** Why a component that runs gets nothing done, and since when. */
export interface ComponentTrouble {
  readonly sinceUs: number;
  readonly error: Error;
}

interface Component {
  health: ComponentHealth;
  readonly troubleOf: () => ComponentTrouble | null;
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
    return this.components.map(({ health, troubleOf }) => {
      const trouble = health.state === 'running' ? troubleOf() : null;
      if (trouble === null) return health;
      return { ...health, state: 'failing', sinceUs: trouble.sinceUs, errorKind: kindOf(trouble.error) };
    });
  }

  /** `troubleOf` tells of one that runs whether it gets on: null while it does. */
  watch(name: string, running: Promise<unknown>, troubleOf: () => ComponentTrouble | null = () => null): void {
    const { clock, telemetry } = this.ports;
    const turn = (state: ComponentHealth['state'], errorKind: string | null): ComponentHealth => ({
      name,
      state,
      sinceUs: clock.nowUs(),
      errorKind,
    });
    const component: Component = {
      health: turn('running', null),
      troubleOf,
      ended: running.then(
        () => void (component.health = turn('ended', null)),
        (error: unknown) => {
          const errorKind = kindOf(error);
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

function kindOf(error: unknown): string {
  return isPortError(error) ? error.kind : 'bug';
}
