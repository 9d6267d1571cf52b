import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyHttpOptions } from 'fastify';
import type { Server } from 'node:http';
import type { ApiContext } from './api-context.ts';
import { AppModule } from './app.module.ts';
import { BODY_BYTES_MAX } from './http/about-request.ts';
import { parseJsonBodies } from './http/body-parser.ts';
import { Connections } from './http/connections.ts';
import { addHooks, correlationId } from './http/hooks.ts';
import { KnownRoutes } from './http/known-routes.ts';
import { ProblemFilter } from './http/problem-filter.ts';
import { refuseExpectation, refuseUnparsed } from './http/refuse-unparsed.ts';
import { RequestLog } from './http/request-log.ts';
import { RequestValidation } from './http/validation.ts';
import { NestLog } from './nest-log.ts';
import { openApiDocument } from './openapi/document.ts';

/** Head and body of a request have to arrive within this. */
const REQUEST_TIMEOUT_MS = 30_000;
/** How often that is looked at. */
const REQUEST_CHECK_INTERVAL_MS = 5_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;

/** The HTTP side of a platform, ready to listen or to be injected into. */
export async function createApp(context: ApiContext): Promise<NestFastifyApplication> {
  const { ports } = context.platform;
  const { telemetry, scheduler } = ports;
  const connections = new Connections(ports);
  const routes = new KnownRoutes();
  const problems = new ProblemFilter(telemetry, routes);
  const log = new RequestLog(context);
  const options: FastifyHttpOptions<Server> = {
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { connectionsCheckingInterval: REQUEST_CHECK_INTERVAL_MS },
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    genReqId: ({ headers }) => correlationId(headers['x-correlation-id'], context),
    clientErrorHandler: (error, socket) =>
      refuseUnparsed(error, socket, {
        id: context.random.uuid(),
        requestTimeoutMs: REQUEST_TIMEOUT_MS,
        scheduler,
        routes,
        log,
      }),
    frameworkErrors: (error, request, reply) => problems.send(error, request, reply),
  };
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.of(context), new FastifyAdapter(options), {
    logger: new NestLog(telemetry),
    bodyParser: false,
    abortOnError: false,
  });
  const instance = app.getHttpAdapter().getInstance();
  parseJsonBodies(instance);
  routes.watch(instance);
  addHooks(instance, context, problems, connections, log);
  instance.addHook('onClose', () => connections.stop());
  app.useGlobalPipes(new RequestValidation());
  app.useGlobalFilters(problems);
  if (context.settings.role.includes('api')) serveDocs(app);
  const server = app.getHttpServer() as Server;
  connections.watch(server);
  server.on('checkExpectation', (request, response) =>
    refuseExpectation(request, response, context.random.uuid(), log),
  );
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
