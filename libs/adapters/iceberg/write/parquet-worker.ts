import { parentPort, workerData } from 'node:worker_threads';
import { DuckDBInstance } from '@duckdb/node-api';
import { ParquetFileWriter } from './parquet-file.ts';
import type { WriterOptions, WriterRequest, WriterResponse } from './write-job.ts';
import { writeRows } from './write-rows.ts';

/** The thread that sorts rows and writes Parquet; one job after the other, in the order they come. */

const options = workerData as WriterOptions;
const port = parentPort!;

const INTERRUPT_EVERY_MS = 10;

const opened = open();
let last: Promise<void> = Promise.resolve();
port.on('message', (request: WriterRequest) => {
  if (request === 'stop') void stop();
  else last = last.then(async () => port.postMessage(await answer(request)));
});

async function open() {
  const instance = await DuckDBInstance.create(':memory:', { threads: String(options.duckdbThreads) });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  return { instance, connection, parquet: new ParquetFileWriter(connection, options) };
}

/** Ends DuckDB's threads before this one, which could not be ended above them without the process crashing. */
async function stop(): Promise<void> {
  const { instance, connection, parquet } = await opened;
  parquet.stop();
  // Again and again: a statement that begins to run forgets an interrupt from before.
  const interrupting = setInterval(() => connection.interrupt(), INTERRUPT_EVERY_MS);
  connection.interrupt();
  await last;
  clearInterval(interrupting);
  connection.closeSync();
  instance.closeSync();
  port.close();
}

async function answer({ id, job }: Exclude<WriterRequest, 'stop'>): Promise<WriterResponse> {
  try {
    return { id, files: await writeRows(job, (await opened).parquet) };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { id, error: text, isOfMachine: isOfMachine(error) };
  }
}

/** Errors of system calls have a code; DuckDB's begin with their kind. */
function isOfMachine(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return 'errno' in error || /^(IO|Out of Memory|INTERRUPT|Connection) Error\b/i.test(error.message);
}
