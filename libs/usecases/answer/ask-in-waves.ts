import { scanWaves } from '@k2/domain/lake';
import type { Answer, AnswerBatch, AskOptions, QueryEngine, Question, ScanPlan } from '@k2/ports';

type TicksQuestion = Extract<Question, { readonly kind: 'ticks' }>;

/**
 * Asks for ticks file by file, in the order of time, until there are as many as were asked for: the last hundred of a
 * year are an hour's work of the engine otherwise. The answer is the same as of the whole plan at once.
 */
export async function askInWaves(
  engine: QueryEngine,
  question: TicksQuestion,
  plan: ScanPlan,
  options: AskOptions,
): Promise<Answer> {
  const [first, ...later] = scanWaves(plan.files, question.order);
  const answer = await engine.ask(question, [{ ...plan, files: first }], options);
  return { columns: answer.columns, batches: batchesOf(answer, later) };

  async function* batchesOf(from: Answer, waves: readonly ScanPlan['files'][]): AsyncGenerator<AnswerBatch> {
    let left = question.limit;
    for await (const batch of from.batches) {
      left -= batch.rowCount;
      yield batch;
    }
    for (const files of waves) {
      if (left <= 0) return;
      const next = await engine.ask({ ...question, limit: left }, [{ ...plan, files }], options);
      for await (const batch of next.batches) {
        left -= batch.rowCount;
        yield batch;
      }
    }
  }
}
