import { parentPort, workerData } from 'node:worker_threads';
import { openCatalogDatabase } from './catalog-database.ts';
import { openLogDatabase } from './log-database.ts';
import { Refusal } from './refusal.ts';
import type { AnswerMessage, CallMessage, Reply, WorkerSettings } from './sqlite-protocol.ts';

/** The thread that owns one SQLite database: opens it at the first call, then answers calls in their order. */
const port = parentPort!;
const { program, path } = workerData as WorkerSettings;
const open = { log: openLogDatabase, catalog: openCatalogDatabase }[program];

type Methods = Readonly<Record<string, (...args: readonly unknown[]) => Reply<unknown>>>;
let methods: Methods | null = null;

port.on('message', ({ callId, method, args }: CallMessage) => {
  try {
    methods ??= open(path) as unknown as Methods;
    const { value, transfer = [] } = methods[method](...args);
    port.postMessage({ callId, outcome: 'value', value } satisfies AnswerMessage, [...transfer]);
  } catch (error) {
    port.postMessage(unsuccessful(callId, error));
  }
  if (method === 'close') port.close();
});

function unsuccessful(callId: number, error: unknown): AnswerMessage {
  if (error instanceof Refusal) {
    const { kind, message, context, retryable } = error;
    return { callId, outcome: 'refusal', kind, message, context, retryable };
  }
  const { message, errcode = null } = error as Error & { errcode?: number };
  return { callId, outcome: 'failure', message, resultCode: errcode };
}
