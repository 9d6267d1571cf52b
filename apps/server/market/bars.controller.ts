import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AsOf, AskOptions } from '@k2/ports';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import { negotiate } from '../http/negotiate.ts';
import { conflictingValue } from '../http/problem.ts';
import { RequestScope } from '../http/request-scope.ts';
import { provenanceHeaders } from './provenance.ts';
import { BarsQuery, TICK_FORMATS } from './requests.ts';
import { AnswerSender, collectBatches } from './send-answer.ts';
import { pageJson } from './tick-page.ts';

@Controller('v1')
export class BarsController {
  constructor(
    @Inject(API_CONTEXT) private readonly context: ApiContext,
    private readonly sender: AnswerSender,
  ) {}

  @Get('bars')
  async bars(@Query() query: BarsQuery, @Req() { headers }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { platform, settings } = this.context;
    const { answers, ports } = platform;
    const format = negotiate(headers.accept, query.format, TICK_FORMATS);
    if (query.cursor !== undefined && format !== 'json') {
      throw conflictingValue('cursor', query.cursor, 'none with a streamed format: it is not paged');
    }
    const limit = query.rowLimit(format);
    const request = { filter: query.filter(), asOf: query.asOfWanted, intervalUs: query.intervalUs, limit };
    const scope = new RequestScope(reply, ports, settings.queryTimeoutMs);
    if (format === 'json') {
      const page = answers.barsPage(
        { ...request, ...(query.cursor !== undefined && { cursor: query.cursor }) },
        scope.options,
      );
      this.sender.json(reply, await scope.within(page.then(pageJson)));
    } else if (format === 'parquet') {
      // The provenance comes with an answer; its snapshot is then what the file is of.
      const { answer, ...provenance } = await scope.within(answers.bars({ ...request, limit: 1 }, scope.options));
      await collectBatches(answer);
      const asOf: AsOf =
        provenance.snapshotId === null ? request.asOf : { kind: 'snapshot', snapshotId: provenance.snapshotId };
      const plan = await scope.within(ports.store.plan({ table: 'market_data.trades', asOf, ...request.filter }));
      const write = (path: string, options: AskOptions) =>
        ports.engine.exportParquet({ kind: 'bars', ...request }, [plan], path, options);
      const headers = () => provenanceHeaders(provenance);
      await this.sender.parquet(reply, scope, { write, rowLimit: limit, headers });
    } else {
      const { answer, ...provenance } = await scope.within(answers.bars(request, scope.options));
      await this.sender.stream(reply, scope, {
        answer,
        format,
        rowLimit: limit,
        headers: provenanceHeaders(provenance),
      });
    }
  }
}
