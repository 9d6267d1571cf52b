import type { FastifyRequest } from 'fastify';
import type { KnownRoutes } from './known-routes.ts';
import { ProblemError, valueProblem, type ProblemKind } from './problem.ts';
import { shortened, shownValue } from './shown-value.ts';

/** Bytes of a body. */
export const BODY_BYTES_MAX = 1_048_576;

const SQL_EXPECTED = 'one SELECT over trades, quotes, sequence_gaps, sessions and quarantine that runs';
const INSTANT_EXPECTED = 'a snapshot that /v1/snapshots lists, or a time since the first of them';

/** The value that those who refuse it do not know by the name that the caller gave it. */
const FIELDS: Partial<Record<ProblemKind, { readonly field: string; readonly expected: string }>> = {
  'invalid-query': { field: 'sql', expected: SQL_EXPECTED },
  'forbidden-query': { field: 'sql', expected: SQL_EXPECTED },
  'unknown-snapshot': { field: 'asOf', expected: INSTANT_EXPECTED },
  'no-snapshot-before': { field: 'asOf', expected: INSTANT_EXPECTED },
  'invalid-cursor': {
    field: 'cursor',
    expected: 'the nextCursor of an earlier answer, unchanged, and the other parameters as they were',
  },
  'cursor-expired': { field: 'cursor', expected: 'the nextCursor of an answer of the last ten minutes' },
  'invalid-feed': { field: 'feed', expected: 'asx:DIR, a directory on the server with files of ASX' },
};

/** The problem with what the request says of it: the value at fault, the method, the media type. */
export function aboutRequest(problem: ProblemError, request: FastifyRequest, routes: KnownRoutes): ProblemError {
  switch (problem.kind) {
    case 'not-found':
      return unmatched(request, routes);
    case 'unsupported-media-type':
      return problem.errors.length > 0 ? problem : wrongMediaType(request.headers['content-type'] ?? '');
    case 'payload-too-large':
      return bodyTooLarge(request.headers['content-length']);
    default:
      return withField(problem, { ...objectOf(request.query), ...objectOf(request.body) });
  }
}

/** What matched no route: another method might. */
function unmatched({ method, url }: FastifyRequest, routes: KnownRoutes): ProblemError {
  const path = url.split('?', 1)[0];
  const notFound = `${shortened(path)} is not a resource: /docs lists what there is`;
  return routes.methodProblem(method, path) ?? new ProblemError('not-found', notFound);
}

export function wrongMediaType(contentType: string): ProblemError {
  return valueProblem('unsupported-media-type', 'Content-Type', contentType, 'application/json in UTF-8', {
    'accept-post': 'application/json',
  });
}

function bodyTooLarge(contentLength: string | undefined): ProblemError {
  const bytes = contentLength === undefined ? 'more' : Number(contentLength);
  return valueProblem('payload-too-large', 'Content-Length', bytes, `at most ${BODY_BYTES_MAX} bytes`);
}

/** The problem with the value that it is about, of those that the caller gave. */
export function withField(problem: ProblemError, given: Readonly<Record<string, unknown>>): ProblemError {
  const { field, expected } = FIELDS[problem.kind] ?? {};
  if (field === undefined || expected === undefined || problem.errors.length > 0) return problem;
  const value = given[field];
  if (value === undefined) return problem;
  return new ProblemError(problem.kind, problem.message, {
    errors: [{ field, value: shownValue(value), expected }],
    headers: problem.headers,
    cause: problem.cause,
  });
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
