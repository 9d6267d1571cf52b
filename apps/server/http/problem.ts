import { HttpException } from '@nestjs/common';
import { isPortError, type PortError } from '@k2/ports';
import { CursorError, CursorExpiredError } from '@k2/usecases';
import { publicMessage } from './public-error.ts';
import { printableLines, quotedValue, shownValue } from './shown-value.ts';

/** One wrong value of a request. */
export interface FieldError {
  readonly field: string;
  readonly value: unknown;
  readonly expected: string;
}

interface ProblemType {
  readonly status: number;
  readonly title: string;
  readonly retryAfterSeconds?: number;
}

/**
 * Kinds of problem: `type` is `urn:k2:problem:<kind>`. Those that pass by themselves say when to try again.
 * `invalid-request` is what the OpenAPI document's schemas refuse, and nothing else: what they cannot tell has kinds of
 * its own.
 */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request has a wrong value' },
  'conflicting-values': { status: 400, title: 'Values of the request do not go together' },
  'invalid-cursor': { status: 400, title: 'The cursor is not of this question' },
  'invalid-feed': { status: 400, title: 'The feed cannot be loaded' },
  'invalid-query': { status: 400, title: 'The query does not run' },
  'forbidden-query': { status: 403, title: 'The SQL is not permitted' },
  'forbidden-host': { status: 403, title: 'The Host header names another machine' },
  'not-found': { status: 404, title: 'No such resource' },
  'unknown-snapshot': { status: 404, title: 'No such snapshot' },
  'unknown-job': { status: 404, title: 'No such job' },
  'no-snapshot-before': { status: 404, title: 'Nothing was committed at that time' },
  'method-not-allowed': { status: 405, title: 'The resource has no such method' },
  'not-acceptable': { status: 406, title: 'No such representation' },
  timeout: { status: 408, title: 'The query ran out of its deadline' },
  conflict: { status: 409, title: 'The server does not run what this needs' },
  'cursor-expired': { status: 410, title: 'The rows of the cursor are no longer kept' },
  'payload-too-large': { status: 413, title: 'The body is too large' },
  'uri-too-long': { status: 414, title: 'The URL is too long' },
  'unsupported-media-type': { status: 415, title: 'The body is not JSON' },
  'expectation-failed': { status: 417, title: 'The server cannot do what the request expects' },
  'answer-too-large': { status: 422, title: 'The answer is too large for this format' },
  'out-of-memory': { status: 422, title: 'The query needs more memory than it may have' },
  overloaded: { status: 429, title: 'Too many requests at once', retryAfterSeconds: 1 },
  'headers-too-large': { status: 431, title: 'The request head is too large' },
  internal: { status: 500, title: 'The server failed' },
  damaged: { status: 500, title: 'A file of the lake is not what was written' },
  'incompatible-table': { status: 500, title: 'Another engine has changed a table beyond what K2 can read' },
  unavailable: { status: 503, title: 'The server cannot answer now', retryAfterSeconds: 5 },
} as const satisfies Readonly<Record<string, ProblemType>>;
export type ProblemKind = keyof typeof PROBLEMS;

/** An error that the caller gets as RFC 9457 problem details. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly kind: ProblemKind;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    kind: ProblemKind,
    detail: string,
    more: {
      readonly errors?: readonly FieldError[];
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    this.kind = kind;
    this.errors = more.errors ?? [];
    const { retryAfterSeconds }: ProblemType = PROBLEMS[kind];
    const retry = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
    this.headers = { ...retry, ...more.headers };
  }
}

/** One wrong value, by itself. */
export function wrongValue(field: string, value: unknown, expected: string): ProblemError {
  return valueProblem('invalid-request', field, value, expected);
}

/** One value that does not go with the others. */
export function conflictingValue(field: string, value: unknown, expected: string): ProblemError {
  return valueProblem('conflicting-values', field, value, expected);
}

export function valueProblem(
  kind: ProblemKind,
  field: string,
  value: unknown,
  expected: string,
  headers: Readonly<Record<string, string>> = {},
): ProblemError {
  const errors = [{ field, value: shownValue(value), expected }];
  return new ProblemError(kind, `${field} is ${quotedValue(value)}: expected ${expected}`, { errors, headers });
}

/** Whatever an error repeats of the request or the data, a caller does not need more of it. */
const DETAIL_CHARS_MAX = 10_000;

/** RFC 9457. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly correlationId: string;
  readonly errors: readonly FieldError[];
}

export function problemDetails(
  { kind, message, errors }: ProblemError,
  instance: string,
  correlationId: string,
): ProblemDetails {
  const { status, title } = PROBLEMS[kind];
  return {
    type: `urn:k2:problem:${kind}`,
    title,
    status,
    detail: printableLines(message.length > DETAIL_CHARS_MAX ? `${message.slice(0, DETAIL_CHARS_MAX)}…` : message),
    // A URI reference: what is no ASCII came without being encoded.
    instance: encodeURI(instance.slice(0, 2_000)).replaceAll('%25', '%'),
    correlationId,
    errors,
  };
}

/** Whatever was thrown, as a problem. */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  if (error instanceof CursorError) return new ProblemError('invalid-cursor', error.message, { cause: error });
  if (error instanceof CursorExpiredError) return new ProblemError('cursor-expired', error.message, { cause: error });
  if (isPortError(error)) return portProblem(error);
  const status = error instanceof HttpException ? error.getStatus() : frameworkStatus(error);
  if (status !== null) return frameworkProblem(status, error as Error);
  return new ProblemError('internal', FAILED, { cause: error });
}

/**
 * What the server's own failures say of themselves: these words alone. The error may name buckets, keys, paths and
 * addresses; it goes to the log.
 */
const FAILED = 'a part of the server failed: its log has the error under the correlation id';
const UNREACHABLE =
  'something that the answer needs cannot be reached now: the server’s log says what, under the correlation id';

function portProblem(error: PortError): ProblemError {
  const cause = { cause: error };
  const message = publicMessage(error) ?? FAILED;
  switch (error.kind) {
    case 'invalid-query':
    case 'forbidden-query':
    case 'out-of-memory':
    case 'no-snapshot-before':
    case 'overloaded':
      return new ProblemError(error.kind, message, cause);
    case 'timeout':
      return new ProblemError('timeout', timeoutDetail(error), cause);
    case 'unknown-snapshot':
    case 'unknown-table':
      return new ProblemError('unknown-snapshot', message, cause);
    case 'damaged':
      return new ProblemError('damaged', message, cause);
    case 'invalid-schema-change':
      return new ProblemError('incompatible-table', message, cause);
    case 'misconfigured':
      return new ProblemError('invalid-feed', message, cause);
    case 'unsupported':
    case 'not-allowed':
      return new ProblemError('conflict', message, cause);
    case 'log-full':
      return new ProblemError('unavailable', 'the log is full until the sink has committed what it holds', cause);
    case 'commit-conflict':
      return new ProblemError('unavailable', 'other writers were faster every time: nothing was changed', cause);
    case 'cancelled':
    case 'unavailable':
    case 'disk-full':
    case 'disconnected':
    case 'closed':
      return new ProblemError('unavailable', UNREACHABLE, cause);
    default:
      return new ProblemError('internal', FAILED, cause);
  }
}

function timeoutDetail({ context: { timeoutMs } }: PortError): string {
  const deadline = typeof timeoutMs === 'number' ? `within ${timeoutMs} ms` : 'in time';
  return `there was no answer ${deadline}: ask for a shorter time, fewer instruments or fewer rows`;
}

/** Fastify's own errors carry a status code. */
function frameworkStatus(error: unknown): number | null {
  const status = (error as { readonly statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 ? status : null;
}

function frameworkProblem(status: number, error: Error): ProblemError {
  const kinds = Object.keys(PROBLEMS) as ProblemKind[];
  if (status === 503) return new ProblemError('unavailable', 'the server is stopping');
  if (status >= 500) return new ProblemError('internal', FAILED, { cause: error });
  const kind = kinds.find((one) => PROBLEMS[one].status === status) ?? 'invalid-request';
  return new ProblemError(kind, error.message, { cause: error });
}
