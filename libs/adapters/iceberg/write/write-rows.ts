import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { lowerBound, upperBound } from '../format/bounds.ts';
import { icebergType, type PrimitiveType } from '../format/schema.ts';
import { serializeValue } from '../format/single-value.ts';
import type { ColumnWriter } from './column-writer.ts';
import { columnWriter } from './column-writers.ts';
import type { ParquetFileWriter } from './parquet-file.ts';
import { partitionRows, type PartitionRows } from './row-order.ts';
import { tableRows } from './table-rows.ts';
import type { FileField, WriteJob, WrittenFile } from './write-job.ts';

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
    ...columnFacts(job.fields, writers, rows.length),
  };
}

/** Counts and bounds as manifests have them: exact from the columns, not read back from what a reader would print. */
function columnFacts(fields: readonly FileField[], writers: readonly ColumnWriter[], rowCount: number) {
  const valueCounts = new Map<number, number>();
  const nullValueCounts = new Map<number, number>();
  const lowerBounds = new Map<number, Uint8Array>();
  const upperBounds = new Map<number, Uint8Array>();
  fields.forEach(({ id, type, nestedId }, position) => {
    const primitive = icebergType(type, nestedId ?? 0);
    if (typeof primitive !== 'string') return;
    const { nullCount, range } = writers[position].facts();
    valueCounts.set(id, rowCount);
    nullValueCounts.set(id, nullCount);
    if (range === null) return;
    setBound(lowerBounds, id, primitive, lowerBound(range.min));
    setBound(upperBounds, id, primitive, upperBound(range.max));
  });
  return { valueCounts, nullValueCounts, lowerBounds, upperBounds };
}

function setBound(
  bounds: Map<number, Uint8Array>,
  id: number,
  type: PrimitiveType,
  value: ReturnType<typeof upperBound>,
): void {
  if (value !== null) bounds.set(id, Uint8Array.from(serializeValue(type, value)));
}
