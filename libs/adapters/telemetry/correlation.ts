import { AsyncLocalStorage } from 'node:async_hooks';

const correlationIds = new AsyncLocalStorage<string>();

/** Runs `work`; every log line written meanwhile, also after awaits, carries the id as `correlationId`. */
export function runWithCorrelationId<Result>(correlationId: string, work: () => Result): Result {
  return correlationIds.run(correlationId, work);
}

export function currentCorrelationId(): string | undefined {
  return correlationIds.getStore();
}
