const SHOWN_LENGTH_MAX = 100;

/** What a terminal or a log would act on instead of showing it: controls, format characters, halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text in which such characters are spelled out. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, spelledOut);
}

/** The same of a text of lines. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE, (one) => (one === '\n' ? one : spelledOut(one)));
}

function spelledOut(one: string): string {
  return `\\u{${one.codePointAt(0)!.toString(16)}}`;
}

/** Printable text of at most so many UTF-16 units of the original. */
export function shortened(text: string, lengthMax = SHOWN_LENGTH_MAX): string {
  if (text.length <= lengthMax) return printable(text);
  // Not between the halves of a pair.
  const isPair = /[\ud800-\udbff]/.test(text[lengthMax - 1]) && /[\udc00-\udfff]/.test(text[lengthMax]);
  return `${printable(text.slice(0, isPair ? lengthMax - 1 : lengthMax))}…`;
}

/** What a problem repeats of a value: short, printable, and always JSON. */
export function shownValue(value: unknown): string | number | boolean | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return shortened(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)));
}

/** The same within a sentence: text in quotes, everything else as its JSON. */
export function quotedValue(value: unknown): string {
  return typeof value === 'string' ? `"${shortened(value)}"` : String(shownValue(value));
}
