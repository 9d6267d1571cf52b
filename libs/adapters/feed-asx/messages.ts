import { PortError, type MarketFeedErrorKind } from '@k2/ports';

/** The refusal of a path, with the code of an error of node:fs. */
export function unusable(path: string, problem: string, cause?: unknown): PortError<MarketFeedErrorKind> {
  const code = codeOf(cause);
  return new PortError<MarketFeedErrorKind>(
    'misconfigured',
    `${shown(path)} ${problem}${code === '' ? '' : ` (${code})`}`,
    { path },
    { cause },
  );
}

/** A name or value from outside, on one line and without what would steer a terminal. */
export function shown(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}

const NAMED_MAX = 5;

/** The first few, and how many more. */
export function named(names: readonly string[]): string {
  const more = names.length - NAMED_MAX;
  return names.slice(0, NAMED_MAX).map(shown).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Of an error of node:fs, `ENOENT` and so on; by its shape, since it may come from another realm. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
