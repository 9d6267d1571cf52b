import { setTimeout as delay } from 'node:timers/promises';

/** Asks until the answer is yes; throws what `tooLate` makes of the last failure when that takes too long. */
export async function waitUntil(
  holds: () => Promise<boolean> | boolean,
  timeoutMs: number,
  tooLate: () => Error | Promise<Error>,
  everyMs = 50,
): Promise<void> {
  for (const deadlineMs = performance.now() + timeoutMs; !(await holds());) {
    if (performance.now() > deadlineMs) throw await tooLate();
    await delay(everyMs);
  }
}
