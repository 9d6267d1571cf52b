/**
 * What a parameter looks like, for the OpenAPI document and the check alike (ECMA-262, `u`). Digits and control
 * characters are spelled out, as other languages take `\d` for more than ten and have no `\p{Cc}`.
 */
const CONTROL = '\\u0000-\\u001f\\u007f-\\u009f';

export const NAME = `^[^${CONTROL}]+$`;
const SYMBOL = `[^${CONTROL},]{1,64}`;
/** One symbol, or some that are separated by commas. */
export const SYMBOLS = `^${SYMBOL}(,${SYMBOL})*$`;

/** Dates that there are: 1 to 28 of any month, 29 and 30 of all but February, 31 where there is one, leap days. */
const DATE = [
  '[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])',
  '[0-9]{4}-(0[13-9]|1[0-2])-(29|30)',
  '[0-9]{4}-(0[13578]|1[02])-31',
  '([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29',
].join('|');
const CLOCK = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?';
const ZONE = 'Z|[+-][0-9]{2}:?[0-9]{2}';
const ISO_TIME = `(${DATE})([T ]${CLOCK}(${ZONE})?)?`;

export const TIME = `^${ISO_TIME}$`;
export const TIME_OR_SNAPSHOT_ID = `^([0-9]{1,19}|${ISO_TIME})$`;
export const CURSOR_HEX = '^([0-9a-f]{2}){1,1000}$';
/** Text with something in it that is no space, and no null byte. */
export const SQL_TEXT = '^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$';
export const ASX_FEED = `^asx:[^${CONTROL}]+$`;
