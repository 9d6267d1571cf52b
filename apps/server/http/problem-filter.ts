import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Telemetry } from '@k2/ports';
import type { KnownRoutes } from './known-routes.ts';
import { problemDetails, ProblemError, problemOf, PROBLEMS } from './problem.ts';

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
    const problem = this.unmatched(problemOf(error), request);
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

  /** What matched no route: another method might. */
  private unmatched(problem: ProblemError, { method, url }: FastifyRequest): ProblemError {
    if (problem.kind !== 'not-found') return problem;
    const path = url.split('?', 1)[0];
    const notFound = `${path.slice(0, 200)} is not a resource: /docs lists what there is`;
    return this.routes.methodProblem(method, path) ?? new ProblemError('not-found', notFound);
  }
}
