import type { Clock, Scheduler } from '@k2/ports';

/**
 * What was opened, to be closed in reverse order. Each step is taken whatever the ones before it came to: a log whose
 * catalog is away still leaves its group. One that does not end is left behind when it has had half of the time left.
 */
export class Closing {
  private readonly ports: { readonly clock: Clock; readonly scheduler: Scheduler };
  private readonly timeoutMs: number;
  private readonly steps: { readonly name: string; readonly end: () => unknown }[] = [];
  private closed: Promise<void> | null = null;

  constructor(ports: { readonly clock: Clock; readonly scheduler: Scheduler }, timeoutMs: number) {
    this.ports = ports;
    this.timeoutMs = timeoutMs;
  }

  add(name: string, end: () => unknown): void {
    this.steps.push({ name, end });
  }

  /** Takes all steps, then rejects with an AggregateError if any failed. Calling it again waits for the same. */
  close(): Promise<void> {
    this.closed ??= this.closeAll();
    return this.closed;
  }

  private async closeAll(): Promise<void> {
    const { clock } = this.ports;
    const deadlineUs = clock.monotonicUs() + this.timeoutMs * 1_000;
    const errors: Error[] = [];
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      const { name, end } = step;
      const leftMs = Math.max(0, deadlineUs - clock.monotonicUs()) / 1_000;
      try {
        await within(this.ports.scheduler, Math.max(leftMs / 2, STEP_MS_MIN), async () => end());
      } catch (cause) {
        errors.push(new Error(`${name}: ${messageOf(cause)}`, { cause }));
      }
    }
    if (errors.length > 0) throw allOf(errors);
  }
}

/** Even when the time is over a step is begun: most ends take no time at all. */
const STEP_MS_MIN = 50;

/** Stops what runs, then closes what it ran on; rejects with an AggregateError of all that failed. */
export async function stopAndClose(platform: { stop(): Promise<void> }, closing: Closing): Promise<void> {
  const errors: Error[] = [];
  await platform.stop().catch((error: Error) => errors.push(error));
  await closing.close().catch((error: AggregateError) => errors.push(...(error.errors as Error[])));
  if (errors.length > 0) throw allOf(errors);
}

/** One error that says what each of them says. */
export function allOf(errors: readonly Error[]): AggregateError {
  return new AggregateError(errors, errors.map(({ message }) => message).join('; '));
}

/** Rejects when the work has not ended in time; whatever it comes to afterwards is nobody's. */
export async function within<Result>(
  scheduler: Scheduler,
  timeoutMs: number,
  work: () => Promise<Result>,
): Promise<Result> {
  const done = new AbortController();
  const late = scheduler.sleep(timeoutMs, done.signal).then(() => {
    if (!done.signal.aborted) throw new Error(`had not ended after ${Math.round(timeoutMs)} ms`);
  });
  try {
    // The sleep resolves without a result only when the work is over, and then nobody looks at it.
    return await Promise.race([work(), late as Promise<never>]);
  } finally {
    done.abort();
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
