import { Controller, Get, Header, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import { problemDetails, ProblemError, PROBLEMS } from '../http/problem.ts';
import { PROBLEM_MEDIA_TYPE } from '../http/problem-filter.ts';
import { NoParameters } from '../http/validation.ts';
import { healthJson } from './health-json.ts';

@Controller()
export class HealthController {
  constructor(@Inject(API_CONTEXT) private readonly context: ApiContext) {}

  /** A supervisor restarts a process that says no: a component has failed that a new process may run. */
  @Get('health/live')
  live(@Query() _none: NoParameters): object {
    const { isAlive, components } = this.context.platform.health;
    if (isAlive) return { status: 'live' };
    const failed = components
      .filter(({ state }) => state === 'failed')
      .map(({ name, errorKind }) => `${name} (${errorKind})`);
    throw new ProblemError('unavailable', `stopped permanently: ${failed.join(', ')}`);
  }

  /** Whether the process can do something of what it is for: what is known of that is told with either answer. */
  @Get('health/ready')
  ready(
    @Query() _none: NoParameters,
    @Req() { id, url }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): object {
    const { platform, isStopping } = this.context;
    if (isStopping()) throw new ProblemError('unavailable', 'the server is stopping');
    const health = healthJson(platform.health);
    if (platform.health.status !== 'unavailable') return health;
    const problem = new ProblemError('unavailable', 'no role of this process can do its work: `health` says why');
    void reply
      .status(PROBLEMS.unavailable.status)
      .headers(problem.headers)
      .type(`${PROBLEM_MEDIA_TYPE}; charset=utf-8`);
    return { ...problemDetails(problem, url, id), health };
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(@Query() _none: NoParameters): Promise<string> {
    return this.context.metrics();
  }
}
