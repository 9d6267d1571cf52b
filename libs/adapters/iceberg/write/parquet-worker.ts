import { parentPort, workerData } from 'node:worker_threads';
import { DuckDBInstance } from '@duckdb/node-api';
import { ParquetFileWriter } from './parquet-file.ts';
import type { WriterOptions, WriterRequest, WriterResponse } from './write-job.ts';
import { writeRows } from './write-rows.ts';

/** The thread that sorts rows and writes Parquet; one job after the other, in the order they come. */

const options = workerData as WriterOptions;
const port = parentPort!;

const parquet = openParquetWriter();
let last: Promise<void> = Promise.resolve();
port.on('message', (request: WriterRequest) => {
  last = last.then(async () => port.postMessage(await answer(request)));
});

async function openParquetWriter(): Promise<ParquetFileWriter> {
  const instance = await DuckDBInstance.create(':memory:', { threads: String(options.duckdbThreads) });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  return new ParquetFileWriter(connection, options);
}

async function answer({ id, job }: WriterRequest): Promise<WriterResponse> {
  try {
    return { id, files: await writeRows(job, await parquet) };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { id, error: text, isOfMachine: isOfMachine(error) };
  }
}

/** Errors of system calls have a code; DuckDB's begin with their kind. */
function isOfMachine(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return 'errno' in error || /^(IO|Out of Memory|Interrupt|Connection) Error\b/.test(error.message);
}
