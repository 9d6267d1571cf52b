import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ApiContext } from '../api-context.ts';
import type { Connections } from './connections.ts';
import { isForbiddenHost, requestedHost } from './host-check.ts';
import { ProblemError, valueProblem, wrongValue } from './problem.ts';
import type { ProblemFilter } from './problem-filter.ts';
import type { RequestLog } from './request-log.ts';

const CORRELATION_ID = /^[\w.:/+=-]{1,128}$/;

const SECURITY_HEADERS = {
  // What is true now may not be in a moment, and is the caller's alone.
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  // The docs' page brings its script and style with it; nothing is loaded from elsewhere.
  'content-security-policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
} as const;

/** The caller's correlation id where it is a fit one, otherwise one of ours. */
export function correlationId(given: string | string[] | undefined, { random }: Pick<ApiContext, 'random'>): string {
  return typeof given === 'string' && CORRELATION_ID.test(given) ? given : random.uuid();
}

/** What happens around every request: correlation, headers, checks of the URL and host, metrics and one log line. */
export function addHooks(
  instance: FastifyInstance,
  context: ApiContext,
  problems: ProblemFilter,
  connections: Connections,
  log: RequestLog,
): void {
  const { runWithCorrelationId, platform } = context;
  const { clock } = platform.ports;
  const startedUs = new WeakMap<FastifyRequest, number>();

  instance.addHook('onRequest', (request, reply, done) => {
    startedUs.set(request, clock.monotonicUs());
    void reply.headers(SECURITY_HEADERS).header('x-correlation-id', request.id);
    const begin = () => {
      const problem = refusal(request, context);
      if (problem === null) done();
      else problems.send(problem, request, reply);
    };
    connections.inTurn(request.raw, reply.raw, () => runWithCorrelationId(request.id, begin));
  });

  // The body arrives outside the context that onRequest ran in.
  instance.addHook('preHandler', (request, _reply, done) => runWithCorrelationId(request.id, done));

  const finish = (request: FastifyRequest, reply: FastifyReply, outcome: string) => {
    const ms = (clock.monotonicUs() - (startedUs.get(request) ?? clock.monotonicUs())) / 1_000;
    const route = request.is404 ? 'unmatched' : (request.routeOptions.url ?? 'unmatched');
    log.answered({ id: request.id, method: request.method, route, status: reply.statusCode, ms }, outcome);
  };
  instance.addHook('onResponse', (request, reply, done) => {
    finish(request, reply, reply.raw.writableEnded ? 'request' : 'request broken off');
    done();
  });
}

function refusal(request: FastifyRequest, { settings }: ApiContext): ProblemError | null {
  if (hostHeaders(request) > 1) return wrongValue('Host', 'several headers', 'one');
  const host = requestedHost(request.url, request.headers.host);
  if (isForbiddenHost(host, settings)) {
    const expected = [...new Set(['localhost', settings.host, ...settings.allowedHosts])].join(', ');
    return valueProblem('forbidden-host', 'Host', host, `one of ${expected}; K2_ALLOWED_HOSTS allows more`);
  }
  // Answered before a body is read.
  if (request.is404 || isNoDocsFile(request)) return new ProblemError('not-found', 'no such resource');
  const query = request.url.split('?', 2)[1] ?? '';
  if (!isWellEncoded(query)) return wrongValue('query string', query, 'percent-encoded UTF-8 without null bytes');
  return null;
}

/** What the docs' page loads; the package that they come from has other files, too. */
const DOCS_FILES: readonly unknown[] = [
  'swagger-ui.css',
  'swagger-ui-bundle.js',
  'swagger-ui-standalone-preset.js',
  'favicon-16x16.png',
  'favicon-32x32.png',
];

function isNoDocsFile({ routeOptions: { url }, params }: FastifyRequest): boolean {
  if (url !== '/docs/*') return false;
  return !DOCS_FILES.includes((params as Readonly<Record<string, unknown>>)['*']);
}

function hostHeaders({ raw: { rawHeaders } }: FastifyRequest): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) if (/^host$/i.test(rawHeaders[at])) count++;
  return count;
}

function isWellEncoded(query: string): boolean {
  if (query === '') return true;
  if (!query.includes('%')) return true;
  try {
    return !decodeURIComponent(query).includes('\u0000');
  } catch {
    return false;
  }
}
