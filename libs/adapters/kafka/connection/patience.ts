import { isPortError, PortError } from '@k2/ports';

const FIRST_DELAY_MS = 20;
const DELAY_MS_MAX = 1_000;

export interface PatienceOptions {
  /** A failure that may pass is told only when it has lasted this long. */
  readonly patienceMs: number;
  readonly monotonicUs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** Tries again, with waits that double up to 1 s, as long as the failure is a retryable PortError. */
export async function withPatience<Result>(
  attempt: () => Promise<Result>,
  { patienceMs, monotonicUs, sleep, signal }: PatienceOptions,
): Promise<Result> {
  const untilUs = monotonicUs() + patienceMs * 1_000;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, DELAY_MS_MAX)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPortError(error) || !error.retryable || signal?.aborted || monotonicUs() >= untilUs) throw error;
      await sleep(delayMs, signal);
      if (signal?.aborted) throw error;
    }
  }
}

/** What makes an attempt be tried again. */
export function passing(message: string, context: Readonly<Record<string, unknown>> = {}): PortError {
  return new PortError('unavailable', message, context, { retryable: true });
}
