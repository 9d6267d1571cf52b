import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Telemetry } from '@k2/ports';
import type { KnownRoutes } from './known-routes.ts';
import { aboutRequest } from './about-request.ts';
import { problemDetails, problemOf, PROBLEMS } from './problem.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** Answers every error with problem details. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly telemetry: Telemetry,
    private readonly routes: KnownRoutes,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.send(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  send(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem = aboutRequest(problemOf(error), request, this.routes);
    const { status } = PROBLEMS[problem.kind];
    if (status === 500 || (status > 500 && problem.cause !== undefined)) {
      const level = status === 500 ? 'error' : 'warn';
      this.telemetry.log(level, 'a request failed', { route: request.routeOptions?.url ?? null, error });
    }
    // The head is gone already: all that is left is to break the answer off, so that it can't pass for a whole one.
    if (reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    const details = problemDetails(problem, request.url, request.id);
    const type = `${PROBLEM_MEDIA_TYPE}; charset=utf-8`;
    const headers = { ...problem.headers, 'x-correlation-id': request.id };
    void reply.code(status).headers(headers).type(type).send(JSON.stringify(details));
  }
}
