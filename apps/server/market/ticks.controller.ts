import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DECIMAL_PRECISION, type RecordType } from '@k2/domain/market';
import type { AskOptions } from '@k2/ports';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import { negotiate } from '../http/negotiate.ts';
import { RequestScope } from '../http/request-scope.ts';
import { provenanceHeaders } from './provenance.ts';
import { QuotesQuery, TICK_FORMATS, TradesQuery } from './requests.ts';
import { AnswerSender } from './send-answer.ts';
import { pageJson } from './tick-page.ts';

@Controller('v1')
export class TicksController {
  constructor(
    @Inject(API_CONTEXT) private readonly context: ApiContext,
    private readonly sender: AnswerSender,
  ) {}

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
    const scope = new RequestScope(reply, ports, settings.queryTimeoutMs);
    if (format === 'json') {
      this.sender.json(reply, await scope.within(answers.page(request, scope.options).then(pageJson)));
    } else if (format === 'parquet') {
      const write = (path: string, options: AskOptions) => answers.exportParquet(request, path, options);
      await this.sender.parquet(reply, scope, { write, rowLimit: request.limit, headers: provenanceHeaders });
    } else {
      const { answer, ...provenance } = await scope.within(answers.stream(request, scope.options));
      const headers = provenanceHeaders(provenance);
      await this.sender.stream(reply, scope, {
        answer,
        format,
        rowLimit: request.limit,
        headers,
        decimalPrecision: DECIMAL_PRECISION,
      });
    }
  }
}
