import { Controller, Get, Header, Inject } from '@nestjs/common';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import { ProblemError } from '../http/problem.ts';

@Controller()
export class HealthController {
  constructor(@Inject(API_CONTEXT) private readonly context: ApiContext) {}

  /** The process runs. */
  @Get('health/live')
  live(): object {
    return { status: 'live' };
  }

  /** Every room that the role asks for runs, and the process takes requests. */
  @Get('health/ready')
  ready(): object {
    const { platform, isStopping } = this.context;
    if (isStopping()) throw new ProblemError('unavailable', 'the server is stopping');
    if (platform.failed !== null)
      throw new ProblemError('unavailable', `a room stopped for good: ${platform.failed.message}`);
    return { status: 'ready', roles: platform.status.roles };
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return this.context.metrics();
  }
}
