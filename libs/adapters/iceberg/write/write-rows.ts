import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { columnMetrics } from './column-metrics.ts';
import type { ColumnWriter } from './column-writer.ts';
import { columnWriter } from './column-writers.ts';
import type { ParquetFileWriter } from './parquet-file.ts';
import { partitionRows, type PartitionRows } from './row-order.ts';
import { tableRows } from './table-rows.ts';
import type { WriteJob, WrittenFile } from './write-job.ts';

/** Writes a job's rows: a sorted file for each partition, or several where one would exceed the target size. */
export async function writeRows(job: WriteJob, parquet: ParquetFileWriter): Promise<WrittenFile[]> {
  const table = tableRows(job);
  const writers = job.fields.map((field, position) =>
    columnWriter(table.columns[position], field.type, field.required),
  );
  const files: WrittenFile[] = [];
  let bytesPerRow = BYTES_PER_ROW_GUESS;
  for (const { partition, rows } of partitionRows(table, job)) {
    for (let from = 0; from < rows.length;) {
      const until = from + Math.max(1, Math.floor(job.fileBytesTarget / bytesPerRow));
      const file = await writeFile(job, writers, { partition, rows: rows.subarray(from, until) }, parquet);
      files.push(file);
      from = until;
      bytesPerRow = file.sizeBytes / file.rowCount;
    }
  }
  return files;
}

/** Until the first file of a job has shown how large its rows are. */
const BYTES_PER_ROW_GUESS = 16;

async function writeFile(
  job: WriteJob,
  writers: readonly ColumnWriter[],
  { partition, rows }: PartitionRows,
  parquet: ParquetFileWriter,
): Promise<WrittenFile> {
  const path = join(job.directory, `${randomUUID()}.parquet`);
  for (const writer of writers) writer.begin();
  const footer = await parquet.write(path, { fields: job.fields, writers, rows });
  return {
    path,
    partition,
    rowCount: rows.length,
    ...footer,
    ...columnMetrics(
      job.fields,
      writers.map((writer) => writer.facts()),
      rows.length,
    ),
  };
}
