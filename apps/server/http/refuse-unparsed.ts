import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Scheduler } from '@k2/ports';
import type { KnownRoutes } from './known-routes.ts';
import { problemDetails, ProblemError, PROBLEMS, valueProblem } from './problem.ts';
import { PROBLEM_MEDIA_TYPE } from './problem-filter.ts';
import type { RequestLog } from './request-log.ts';

/** How long a client has to read why it was refused before its connection is cut. */
const LINGER_MS = 1_000;

type ParseError = Error & { readonly code?: string; readonly rawPacket?: unknown };

export interface RefusalContext {
  readonly id: string;
  readonly requestTimeoutMs: number;
  readonly scheduler: Scheduler;
  readonly routes: KnownRoutes;
  readonly log: RequestLog;
}

/**
 * What isn't HTTP, did not arrive in time, or has too large a head: there is no request yet, so the answer is written
 * by hand. The connection then ends whether or not the client closes its side of it.
 */
export function refuseUnparsed(
  error: ParseError,
  socket: Socket,
  { id, requestTimeoutMs, scheduler, routes, log }: RefusalContext,
): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(error, requestTimeoutMs, routes);
  const body = JSON.stringify(problemDetails(problem, '', id));
  const { status } = PROBLEMS[problem.kind];
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_MEDIA_TYPE}; charset=utf-8`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-correlation-id: ${id}`,
    ...Object.entries(problem.headers).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ];
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  log.answered({ id, method: 'unparsed', route: 'unmatched', status, ms: 0 }, 'no request');
  void scheduler.sleep(LINGER_MS, closed.signal).then(() => socket.destroy());
}

/** `Expect` with anything but `100-continue`: Node hands such a request to nobody else. */
export function refuseExpectation(
  { headers, url = '', method = 'unparsed' }: IncomingMessage,
  response: ServerResponse,
  id: string,
  log: RequestLog,
): void {
  const problem = valueProblem('expectation-failed', 'Expect', headers.expect, '100-continue, or no such header');
  const body = JSON.stringify(problemDetails(problem, url, id));
  const type = `${PROBLEM_MEDIA_TYPE}; charset=utf-8`;
  const length = Buffer.byteLength(body);
  response
    .writeHead(417, { 'content-type': type, 'content-length': length, 'x-correlation-id': id, connection: 'close' })
    .end(body);
  log.answered({ id, method, route: 'unmatched', status: 417, ms: 0 }, 'request');
}

function problemOf({ code, rawPacket }: ParseError, requestTimeoutMs: number, routes: KnownRoutes): ProblemError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ProblemError(
        'headers-too-large',
        'URL and headers are over 16 KiB: name fewer symbols or use POST /v1/query',
      );
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProblemError('timeout', `the request did not arrive within ${requestTimeoutMs} ms`);
    case 'HPE_INVALID_METHOD':
      return methodProblem(rawPacket, routes) ?? notHttp();
    default:
      return notHttp();
  }
}

const notHttp = () => new ProblemError('invalid-request', 'the request is not HTTP/1.1');

const REQUEST_LINE = /^([!#$%&'*+.^`|~\w-]{1,40}) (\/[^ ?]*)[^ ]* HTTP\/1\.[01]\r\n/;

/** A method that the parser doesn't know may still be one, asked of a resource that there is. */
function methodProblem(rawPacket: unknown, routes: KnownRoutes): ProblemError | null {
  const line = Buffer.isBuffer(rawPacket) ? REQUEST_LINE.exec(rawPacket.toString('latin1', 0, 4_096)) : null;
  return line === null ? null : routes.methodProblem(line[1], line[2]);
}
