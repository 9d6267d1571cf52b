import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyServerOptions } from 'fastify';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ApiContext } from './api-context.ts';
import { AppModule } from './app.module.ts';
import { addHooks, correlationId } from './http/hooks.ts';
import { KnownRoutes } from './http/known-routes.ts';
import { problemDetails, ProblemError, PROBLEMS, type ProblemKind } from './http/problem.ts';
import { PROBLEM_MEDIA_TYPE, ProblemFilter } from './http/problem-filter.ts';
import { RequestValidation } from './http/validation.ts';
import { NestLog } from './nest-log.ts';
import { openApiDocument } from './openapi/document.ts';

const BODY_BYTES_MAX = 1_048_576;
/** Head and body of a request have to arrive within this. */
const REQUEST_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
/** Connections at once; further ones are closed unanswered. */
const CONNECTIONS_MAX = 1_024;

/** The HTTP side of a platform, ready to listen or to be injected into. */
export async function createApp(context: ApiContext): Promise<NestFastifyApplication> {
  const { telemetry } = context.platform.ports;
  const routes = new KnownRoutes();
  const problems = new ProblemFilter(telemetry, routes);
  const options: FastifyServerOptions = {
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    genReqId: ({ headers }) => correlationId(headers['x-correlation-id'], context),
    clientErrorHandler: (error, socket) => refuseUnparsed(error, socket, context),
    frameworkErrors: (error, request, reply) => problems.send(error, request, reply),
  };
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.of(context), new FastifyAdapter(options), {
    logger: new NestLog(telemetry),
    bodyParser: false,
    abortOnError: false,
  });
  const instance = app.getHttpAdapter().getInstance();
  // JSON is the one thing that bodies are; a form or plain text is 415, which also keeps browsers from posting here.
  instance.removeContentTypeParser('text/plain');
  routes.watch(instance);
  addHooks(instance, context, problems);
  app.useGlobalPipes(new RequestValidation());
  app.useGlobalFilters(problems);
  if (context.settings.role.includes('api')) serveDocs(app);
  app.getHttpServer().maxConnections = CONNECTIONS_MAX;
  await app.init();
  await instance.ready();
  return app;
}

function serveDocs(app: NestFastifyApplication): void {
  const document = openApiDocument(app);
  SwaggerModule.setup('docs', app, document, {
    raw: ['json'],
    jsonDocumentUrl: 'openapi.json',
    customSiteTitle: 'K2 API',
    // Null keeps the page from asking a public validator about the document.
    swaggerOptions: { validatorUrl: null, tryItOutEnabled: true, displayRequestDuration: true },
  });
}

/** What isn't HTTP, or too large a head: there is no request yet, so the answer is written by hand. */
function refuseUnparsed(error: Error & { readonly code?: string }, socket: Socket, context: ApiContext): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const isLate = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const kind: ProblemKind = isTooLarge ? 'headers-too-large' : isLate ? 'timeout' : 'invalid-request';
  const detail = isTooLarge
    ? 'URL and headers are over 16 KiB: name fewer symbols or use POST /v1/query'
    : isLate
      ? `the request did not arrive within ${REQUEST_TIMEOUT_MS} ms`
      : 'the request is not HTTP/1.1';
  const id = context.random.uuid();
  const body = JSON.stringify(problemDetails(new ProblemError(kind, detail), '', id));
  const { status } = PROBLEMS[kind];
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_MEDIA_TYPE}; charset=utf-8`,
    `content-length: ${Buffer.byteLength(body)}`,
    `x-correlation-id: ${id}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
