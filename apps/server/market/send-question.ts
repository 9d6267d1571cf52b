import type { FastifyReply } from 'fastify';
import type { AskOptions, QueryEngine, Question, ScanPlan } from '@k2/ports';
import type { Format } from '../encode/formats.ts';
import { jsonArray } from '../encode/json.ts';
import type { RequestScope } from '../http/request-scope.ts';
import { collectBatches, rowCountOf, type AnswerSender } from './send-answer.ts';

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
  { engine, sender }: { readonly engine: QueryEngine; readonly sender: AnswerSender },
  { question, plans, format, limit }: QuestionRequest,
): Promise<void> {
  if (format === 'json') {
    sender.json(reply, await scope.within(questionJson(engine, question, plans, limit, scope)));
  } else if (format === 'parquet') {
    const write = (path: string, options: AskOptions) => engine.exportParquet(question, plans, path, options);
    await sender.parquet(reply, scope, { write, rowLimit: limit });
  } else {
    const answer = await scope.within(engine.ask(question, plans, scope.options));
    await sender.stream(reply, scope, { answer, format, rowLimit: limit });
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
