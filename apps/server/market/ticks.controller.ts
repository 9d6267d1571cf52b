import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DECIMAL_PRECISION, type RecordType } from '@k2/domain/market';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import { CONTENT_TYPES } from '../encode/formats.ts';
import { parquetStream } from '../encode/parquet-file.ts';
import { negotiate } from '../http/negotiate.ts';
import { RequestScope } from '../http/request-scope.ts';
import { provenanceHeaders } from './provenance.ts';
import { QuotesQuery, TICK_FORMATS, TradesQuery } from './requests.ts';
import { sendJson, sendStream } from './send-answer.ts';
import { ticksPageJson } from './tick-page.ts';

@Controller('v1')
export class TicksController {
  constructor(@Inject(API_CONTEXT) private readonly context: ApiContext) {}

  @Get('trades')
  trades(@Query() query: TradesQuery, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer('trades', query, request, reply);
  }

  @Get('quotes')
  quotes(@Query() query: QuotesQuery, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.answer('quotes', query, request, reply);
  }

  private async answer(
    recordType: RecordType,
    query: TradesQuery | QuotesQuery,
    { headers }: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const { platform, settings } = this.context;
    const { answers, ports } = platform;
    const format = negotiate(headers.accept, query.format, TICK_FORMATS);
    const request = query.request(recordType, format);
    const scope = new RequestScope(reply, ports.scheduler, settings.queryTimeoutMs);
    if (format === 'json') {
      sendJson(reply, await scope.within(ticksPageJson(answers, request, scope.options)));
    } else if (format === 'parquet') {
      const write = (path: string) => answers.exportParquet(request, path, scope.options);
      const { stream, result } = await scope.within(parquetStream(write));
      const rowLimit = { 'k2-row-limit': String(request.limit) };
      void reply
        .headers({ ...provenanceHeaders(result), ...rowLimit })
        .type(CONTENT_TYPES.parquet)
        .send(stream);
    } else {
      const { answer, ...provenance } = await scope.within(answers.stream(request, scope.options));
      const headers = provenanceHeaders(provenance);
      await sendStream(reply, scope, ports.telemetry, {
        answer,
        format,
        rowLimit: request.limit,
        headers,
        decimalPrecision: DECIMAL_PRECISION,
      });
    }
  }
}
