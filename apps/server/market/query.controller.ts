import { Body, Controller, HttpCode, Inject, Post, Query, Req, Res } from '@nestjs/common';
import { plansOfSql } from '@k2/usecases';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import type { Format } from '../encode/formats.ts';
import { Checked, fits } from '../http/checked.ts';
import { negotiate } from '../http/negotiate.ts';
import { RequestScope } from '../http/request-scope.ts';
import { AS_OF, formatCheck, numberCheck, parseAsOf } from './checks.ts';
import { JSON_ROWS_DEFAULT, JSON_ROWS_MAX, rowLimit, STREAM_ROWS_MAX, TICK_FORMATS } from './requests.ts';
import { SQL_TEXT } from './patterns.ts';
import { AnswerSender } from './send-answer.ts';
import { sendQuestion } from './send-question.ts';

const SQL_LENGTH_MAX = 100_000;

export class SqlBody {
  @Checked({
    required: true,
    description: 'One SELECT over trades, quotes, sequence_gaps, sessions and quarantine, in the SQL of DuckDB.',
    expected: `one SELECT of 1 to ${SQL_LENGTH_MAX} characters, as a string`,
    ...fits({ type: 'string', pattern: SQL_TEXT, maxLength: SQL_LENGTH_MAX }),
    example:
      "SELECT symbol, count(*) AS trades FROM trades WHERE exchange = 'ASX' GROUP BY symbol ORDER BY trades DESC",
  })
  sql!: string;

  @Checked(
    numberCheck(
      `Rows. JSON: ${JSON_ROWS_DEFAULT} where absent, at most ${JSON_ROWS_MAX}. Other formats: ${STREAM_ROWS_MAX} where absent and at most.`,
      1,
      STREAM_ROWS_MAX,
    ),
  )
  limit?: number;

  @Checked({
    ...AS_OF,
    description: 'Time travel of all tables at once: a snapshot id of any of them, or a time. Newest where absent.',
  })
  asOf?: string;
}

export class FormatQuery {
  @Checked(formatCheck(TICK_FORMATS)) format?: Format;
}

@Controller('v1')
export class QueryController {
  constructor(
    @Inject(API_CONTEXT) private readonly context: ApiContext,
    private readonly sender: AnswerSender,
  ) {}

  @Post('query')
  @HttpCode(200)
  async query(
    @Body() body: SqlBody,
    @Query() { format: wanted }: FormatQuery,
    @Req() { headers }: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { platform, settings } = this.context;
    const format = negotiate(headers.accept, wanted, TICK_FORMATS);
    const limit = rowLimit(body.limit, format);
    const scope = new RequestScope(reply, platform.ports, settings.queryTimeoutMs);
    const asked = { sql: body.sql, asOf: parseAsOf(body.asOf)! };
    const { plans } = await scope.within(plansOfSql(platform.ports, asked, scope.options));
    const question = { kind: 'sql', sql: body.sql, limit } as const;
    await sendQuestion(
      reply,
      scope,
      { engine: platform.ports.engine, sender: this.sender },
      { question, plans, format, limit },
    );
  }
}
