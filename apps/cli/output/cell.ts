import type { JsonValue } from '../session/session.ts';

/** A value as a cell of a table. */
export function printCell(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return escapeControls(value);
  if (Array.isArray(value)) return escapeControls(value.map(printCell).join(' '));
  if (typeof value === 'object') {
    const pairs = Object.entries(value).map(([key, inner]) => `${key}=${printCell(inner)}`);
    return escapeControls(pairs.join(' '));
  }
  return String(value);
}

const NUMBER = /^-?\d+(?:\.\d+)?$/;

/** Numbers and decimals stand at the right. */
export function isNumeric(cell: string): boolean {
  return cell === '' || NUMBER.test(cell);
}

/** What came from outside must not steer the terminal. */
function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
