import type { AskOptions, Clock } from '@k2/ports';

/** What is left of a deadline, as options of the question that is asked next. */
export type TimeLeft = () => AskOptions;

/** One deadline, from now on, over everything that an answer takes: planning, and all questions asked for it. */
export function oneDeadline(clock: Pick<Clock, 'monotonicUs'>, options: AskOptions): TimeLeft {
  const startUs = clock.monotonicUs();
  const { spentMs = 0 } = options;
  return () => ({ ...options, spentMs: spentMs + (clock.monotonicUs() - startUs) / 1_000 });
}
