import type { FastifyReply } from 'fastify';
import type { QueryEngine, Question, ScanPlan, Telemetry } from '@k2/ports';
import { CONTENT_TYPES, type Format } from '../encode/formats.ts';
import { jsonArray } from '../encode/json.ts';
import { parquetStream } from '../encode/parquet-file.ts';
import type { RequestScope } from '../http/request-scope.ts';
import { collectBatches, rowCountOf, sendJson, sendStream } from './send-answer.ts';

export interface QuestionRequest {
  readonly question: Question;
  readonly plans: readonly ScanPlan[];
  readonly format: Format;
  readonly limit: number;
}

/** Answers a question of which no completeness is told. JSON is `{data, columns, truncated}`. */
export async function sendQuestion(
  reply: FastifyReply,
  scope: RequestScope,
  { engine, telemetry }: { readonly engine: QueryEngine; readonly telemetry: Telemetry },
  { question, plans, format, limit }: QuestionRequest,
): Promise<void> {
  if (format === 'json') {
    sendJson(reply, await scope.within(questionJson(engine, question, plans, limit, scope)));
  } else if (format === 'parquet') {
    const write = (path: string) => engine.exportParquet(question, plans, path, scope.options);
    const { stream } = await scope.within(parquetStream(write));
    void reply.header('k2-row-limit', String(limit)).type(CONTENT_TYPES.parquet).send(stream);
  } else {
    const answer = await scope.within(engine.ask(question, plans, scope.options));
    await sendStream(reply, scope, telemetry, { answer, format, rowLimit: limit });
  }
}

async function questionJson(
  engine: QueryEngine,
  question: Question,
  plans: readonly ScanPlan[],
  limit: number,
  { options }: RequestScope,
): Promise<string> {
  const answer = await engine.ask({ ...question, limit: limit + 1 }, plans, options);
  const batches = await collectBatches(answer);
  const columns = answer.columns.map(({ name, type }) => ({ name, type }));
  const truncated = rowCountOf(batches) > limit;
  return `{"data":${jsonArray(answer.columns, batches, limit)},"columns":${JSON.stringify(columns)},"truncated":${truncated}}`;
}
