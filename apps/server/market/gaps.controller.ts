import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AnswerBatches } from '@k2/ports';
import { findOpenGaps } from '@k2/usecases';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import { jsonArray } from '../encode/json.ts';
import { negotiate } from '../http/negotiate.ts';
import { RequestScope } from '../http/request-scope.ts';
import { GAP_COLUMNS, gapsBatch } from './gap-columns.ts';
import { GAP_FORMATS, GapsQuery } from './requests.ts';
import { AnswerSender, type StreamFormat } from './send-answer.ts';

@Controller('v1')
export class GapsController {
  constructor(
    @Inject(API_CONTEXT) private readonly context: ApiContext,
    private readonly sender: AnswerSender,
  ) {}

  @Get('gaps')
  async gaps(@Query() query: GapsQuery, @Req() { headers }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { platform, settings } = this.context;
    const { ports } = platform;
    const format = negotiate(headers.accept, query.format, GAP_FORMATS);
    const limit = query.rowLimit(format);
    const { recordType } = query;
    const request = {
      filter: query.filter(),
      asOf: query.asOfWanted,
      limit,
      ...(recordType !== undefined && { recordType }),
    };
    const scope = new RequestScope(reply, ports, settings.queryTimeoutMs);
    const { gaps, gapCount, missingTicks } = await scope.within(findOpenGaps(ports, request, scope.options));
    const batch = gapsBatch(gaps);
    if (format === 'json') {
      const totals = `"gapCount":${gapCount},"missingTicks":${missingTicks},"truncated":${gapCount > limit}`;
      this.sender.json(reply, `{"data":${jsonArray(GAP_COLUMNS, [batch], limit)},${totals}}`);
    } else {
      const answer: AnswerBatches = { columns: GAP_COLUMNS, batches: once(batch) };
      await this.sender.stream(reply, scope, { answer, format: format as StreamFormat, rowLimit: limit });
    }
  }
}

async function* once<Value>(value: Value): AsyncGenerator<Value> {
  yield value;
}
