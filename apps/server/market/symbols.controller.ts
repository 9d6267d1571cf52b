import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import { plansAsOf } from '@k2/usecases';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import { negotiate } from '../http/negotiate.ts';
import { RequestScope } from '../http/request-scope.ts';
import { SymbolsQuery, TICK_FORMATS } from './requests.ts';
import { AnswerSender } from './send-answer.ts';
import { sendQuestion } from './send-question.ts';

const TICK_TABLES = ['market_data.trades', 'market_data.quotes'] as const;

@Controller('v1')
export class SymbolsController {
  constructor(
    @Inject(API_CONTEXT) private readonly context: ApiContext,
    private readonly sender: AnswerSender,
  ) {}

  @Get('symbols')
  async symbols(
    @Query() query: SymbolsQuery,
    @Req() { headers }: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { platform, settings } = this.context;
    const format = negotiate(headers.accept, query.format, TICK_FORMATS);
    const limit = query.rowLimit(format);
    const filter = query.filter();
    const scope = new RequestScope(reply, platform.ports, settings.queryTimeoutMs);
    const requests = TICK_TABLES.map((table) => ({ table, ...filter }));
    const { plans } = await scope.within(plansAsOf(platform.ports.store, requests, query.asOfWanted));
    const question = { kind: 'symbols', filter, limit } as const;
    await sendQuestion(
      reply,
      scope,
      { engine: platform.ports.engine, sender: this.sender },
      { question, plans, format, limit },
    );
  }
}
