import { Body, Controller, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import { CONTENT_TYPES } from '../encode/formats.ts';
import { Checked, fits } from '../http/checked.ts';
import { negotiate } from '../http/negotiate.ts';
import { ProblemError } from '../http/problem.ts';
import { NoParameters } from '../http/validation.ts';
import { ASX_FEED } from '../market/patterns.ts';
import { LoadEvents } from './load-events.ts';

/** A load that is under way and those that wait for it; a further one is refused. */
const LOADS_MAX = 2;

export class LoadBody {
  @Checked({
    required: true,
    description: 'A finite feed: asx:DIR, a directory on the server.',
    expected: 'asx:DIR, a directory on the server',
    ...fits({ type: 'string', pattern: ASX_FEED, maxLength: 4_096 }),
    example: 'asx:/data/asx-2014-03',
  })
  feed!: string;
}

@Controller('v1')
export class LoadsController {
  private running = 0;

  constructor(@Inject(API_CONTEXT) private readonly context: ApiContext) {}

  /** Loads until done, telling how far it is; one at a time, so that a second waits. A caller who leaves stops the load; loading again repeats nothing. */
  @Post('loads')
  @HttpCode(200)
  async load(
    @Body() { feed: spec }: LoadBody,
    @Query() _none: NoParameters,
    @Req() { id, headers, url }: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { platform, settings, createFeed, runWithCorrelationId } = this.context;
    negotiate(headers.accept, undefined, ['ndjson']);
    if (!settings.role.includes('sink')) {
      throw new ProblemError(
        'conflict',
        'this server has no sink, so that nothing it loads would be committed: start it with --role all',
      );
    }
    if (this.running >= LOADS_MAX) {
      throw new ProblemError('overloaded', `${LOADS_MAX} loads are running or waiting: try again when one is done`, {
        headers: { 'retry-after': '10' },
      });
    }
    this.running++;
    const stop = new AbortController();
    reply.raw.once('close', () => stop.abort());
    const events = new LoadEvents(spec, platform.ports.clock, { instance: url, correlationId: id });
    try {
      const feed = await createFeed(spec);
      const report = runWithCorrelationId(id, () =>
        platform.load(
          feed,
          stop.signal,
          (event) => events.take(event),
          (ahead) => events.waits(ahead),
        ),
      );
      report.catch((error: unknown) =>
        runWithCorrelationId(id, () => platform.ports.telemetry.log('warn', 'a load failed', { feed: spec, error })),
      );
      void events.settle(report).finally(() => this.running--);
      await events.begun();
    } catch (error) {
      if (!events.isSettling) this.running--;
      throw error;
    }
    void reply.type(CONTENT_TYPES.ndjson).send(Readable.from(events.lines(), { objectMode: true, highWaterMark: 1 }));
  }
}
