import type { QueryEngineErrorKind } from '@k2/ports';

/** A failure inside the engine process, on its way to become a PortError in the parent. */
export class QuestionError extends Error {
  override readonly name = 'QuestionError';
  readonly kind: QueryEngineErrorKind;
  constructor(kind: QueryEngineErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** What a typed question's SQL raises itself, as `invalid-query`; `message` is an SQL expression. */
export function raised(message: string): string {
  return `error('${RAISED}' || ${message})`;
}

const RAISED = 'K2: ';
const RAISED_ERROR = new RegExp(`^Invalid Input Error: ${RAISED}(.*)$`, 's');

/** An error may repeat a value of the query, which can be as large as memory allows. */
const MESSAGE_CHARS_MAX = 4_000;

/** DuckDB's errors begin with their class: `Binder Error: …`. */
export function questionErrorOf(error: unknown, isUserSql: boolean): QuestionError {
  if (error instanceof QuestionError) return error;
  const message = bounded(error instanceof Error ? error.message : String(error));
  const refusal = isUserSql ? null : RAISED_ERROR.exec(message);
  if (refusal !== null) return new QuestionError('invalid-query', refusal[1]);
  return new QuestionError(kindOf(message, isUserSql), isUserSql ? shortMessage(message) : message);
}

function bounded(message: string): string {
  if (message.length <= MESSAGE_CHARS_MAX) return message;
  return `${message.slice(0, MESSAGE_CHARS_MAX)}… (${message.length} characters in all)`;
}

/**
 * Two lines at most: what is wrong, and what would be right. DuckDB goes on with the place in the SQL, which is the SQL
 * as it was printed anew, not as the user wrote it.
 */
function shortMessage(message: string): string {
  const [whole] = message.split(/\n\s*LINE \d+: /, 1);
  const [what, ...more] = whole
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const columns = /^Binder Error: (?:Referenced column|.* does not have a column named) "(.*)"/.exec(what);
  const candidates = /^Candidate bindings[: ]*(.*)$/.exec(more[0] ?? '');
  if (columns !== null) {
    const nearest = candidates === null ? '' : `; the nearest are ${candidates[1].replaceAll('"', '')}`;
    return `there is no column ${JSON.stringify(columns[1])}${nearest}`;
  }
  return more.length === 0 ? what : `${what}\n${more.join(' ')}`;
}

const OUT_OF_MEMORY = /^Out of Memory Error|bad.alloc|bad allocation|Allocation failure|could not allocate/i;
const FORBIDDEN =
  /^(Permission|Invalid Configuration) Error|disabled (by|through) configuration|configuration has been locked/i;
/** What a user's statement may fail by and is not to blame for: a file, which the error then names. */
const BROKEN_FILE = /^IO Error: .*["'][^"'\n]*[/\\][^"'\n]*["']/is;

function kindOf(message: string, isUserSql: boolean): QueryEngineErrorKind {
  if (OUT_OF_MEMORY.test(message)) return 'out-of-memory';
  if (/^INTERRUPT Error/i.test(message)) return 'cancelled';
  if (isUserSql) {
    if (FORBIDDEN.test(message)) return 'forbidden-query';
    return BROKEN_FILE.test(message) ? 'unavailable' : 'invalid-query';
  }
  // The SQL of typed questions is ours: only its arithmetic can be at odds with the data.
  return /^Out of Range Error/i.test(message) ? 'invalid-query' : 'unavailable';
}
