import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { TableName } from '@k2/domain/market';
import { MAINTAINED_TABLES, MAINTENANCE_TASKS, type MaintenanceJob, type MaintenanceTask } from '@k2/usecases';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import { Checked, fits } from '../http/checked.ts';
import { ProblemError } from '../http/problem.ts';
import { NoParameters } from '../http/validation.ts';
import { jobJson, jobSummaryJson } from './maintenance-json.ts';

/** Some of the names, each once. */
function someOf(names: readonly string[]) {
  const holds = (value: unknown) =>
    Array.isArray(value) &&
    value.length > 0 &&
    new Set(value).size === value.length &&
    value.every((one) => names.includes(one as string));
  const schema = { type: 'array', items: { enum: names }, minItems: 1, uniqueItems: true };
  return { holds, schema, expected: `a list of some of ${names.join(', ')}, each once` };
}

export class MaintenanceBody {
  @Checked({
    description: 'Which tasks; they run in this order. All where absent.',
    ...someOf(MAINTENANCE_TASKS),
    example: ['compact', 'expire'],
  })
  tasks?: readonly MaintenanceTask[];

  @Checked({
    description: 'On which tables. All where absent.',
    ...someOf(MAINTAINED_TABLES),
    example: ['market_data.trades'],
  })
  tables?: readonly TableName[];

  @Checked({
    description: 'Only says what would be done.',
    expected: 'true or false',
    holds: (value) => typeof value === 'boolean',
    schema: { type: 'boolean' },
  })
  dryRun?: boolean;
}

export class MaintenanceJobPath {
  @Checked({
    required: true,
    description: 'Of the job, as it was answered when the job began.',
    expected: 'the id of a job, as GET /v1/maintenance lists it',
    ...fits({ type: 'string', pattern: '^[0-9A-Za-z-]+$', maxLength: 64 }),
    example: '0198f0a2-7c1e-4a3b-9d7e-2f6a1c0b4d55',
  })
  id!: string;
}

/** Maintenance in the process that has the role, by the same policy as its schedule and never beside it. */
@Controller('v1')
export class MaintenanceController {
  constructor(@Inject(API_CONTEXT) private readonly context: ApiContext) {}

  @Post('maintenance')
  @HttpCode(202)
  beginMaintenance(
    @Query() _none: NoParameters,
    @Body() { tasks = [], tables = [], dryRun = false }: MaintenanceBody,
    @Req() { id: correlationId }: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): object {
    const { jobs } = this;
    const job = jobs.begin({ tasks, tables, dryRun });
    if (job === null) throw refusal(jobs.current);
    void reply.header('location', `/v1/maintenance/${job.id}`);
    return jobJson(job, correlationId);
  }

  @Get('maintenance')
  maintenanceJobs(@Query() _none: NoParameters): object {
    return { data: this.jobs.jobs.map(jobSummaryJson) };
  }

  @Get('maintenance/:id')
  maintenanceJob(
    @Query() _none: NoParameters,
    @Param() { id }: MaintenanceJobPath,
    @Req() { id: correlationId }: FastifyRequest,
  ): object {
    return jobJson(found(id, this.jobs.job(id)), correlationId);
  }

  @Delete('maintenance/:id')
  cancelMaintenance(
    @Query() _none: NoParameters,
    @Param() { id }: MaintenanceJobPath,
    @Req() { id: correlationId }: FastifyRequest,
  ): object {
    return jobJson(found(id, this.jobs.cancel(id)), correlationId);
  }

  private get jobs() {
    const { platform, settings } = this.context;
    if (platform.maintenanceJobs !== null) return platform.maintenanceJobs;
    const why = settings.role.includes('maintain')
      ? 'the store that this server was given needs no maintenance'
      : `this server has the roles ${settings.role.join(', ')}: ask the one that has the role maintain`;
    throw new ProblemError('conflict', why);
  }
}

function refusal(current: MaintenanceJob | null): ProblemError {
  return current === null
    ? new ProblemError('unavailable', 'the server is stopping')
    : new ProblemError('conflict', `maintenance is running: wait for job ${current.id}, or cancel it`);
}

function found(id: string, job: MaintenanceJob | null): MaintenanceJob {
  if (job === null)
    throw new ProblemError('unknown-job', `there is no job ${id}: GET /v1/maintenance lists the last ones`);
  return job;
}
