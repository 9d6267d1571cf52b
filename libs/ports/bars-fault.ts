import type { Question } from './query-engine.port.ts';

/** What is wrong with a bars question, which its engine refuses as `invalid-query`; null if nothing is. */
export function barsFault({ intervalUs, after }: Extract<Question, { readonly kind: 'bars' }>): string | null {
  if (!Number.isSafeInteger(intervalUs) || intervalUs < 1)
    return `intervalUs is ${intervalUs}: expected a whole number of µs, from 1`;
  // Also NaN and fractions.
  if (after !== undefined && !(Number.isSafeInteger(after.startUs) && after.startUs % intervalUs === 0))
    return `after.startUs is ${after.startUs}: expected the start of a bar of ${intervalUs} µs`;
  return null;
}
