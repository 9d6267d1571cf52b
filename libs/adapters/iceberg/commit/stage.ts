import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { recordSchema, type ColumnBatch, type TableName } from '@k2/domain/market';
import { contentName, type ObjectStore, type Random } from '@k2/ports';
import type { LakeTables } from '../lake-tables.ts';
import { currentSchema, defaultSortOrder, defaultSpec, fieldById, type TableMetadata } from '../format/metadata.ts';
import type { DataFile } from '../format/manifest.ts';
import { fieldType } from '../format/schema.ts';
import type { TableFiles } from '../table-files.ts';
import type { ParquetWriter } from '../write/parquet-writer.ts';
import type { FileField, WriteJob, WrittenFile } from '../write/write-job.ts';
import { checkFits } from './new-table.ts';
import type { StagedTable } from './staged-rows.ts';

export interface StageOptions {
  /** Local directory for files on their way to the object store. */
  readonly tempDirectory: string;
  readonly fileBytesTarget: number;
}

/** Writes the rows of one table as data files and the manifest that lists them. */
export class TableStage {
  private readonly objects: ObjectStore;
  private readonly random: Random;
  private readonly tables: LakeTables;
  private readonly files: TableFiles;
  private readonly writer: ParquetWriter;
  private readonly options: StageOptions;

  constructor(
    parts: {
      readonly objects: ObjectStore;
      readonly random: Random;
      readonly tables: LakeTables;
      readonly files: TableFiles;
      readonly writer: ParquetWriter;
    },
    options: StageOptions,
  ) {
    this.objects = parts.objects;
    this.random = parts.random;
    this.tables = parts.tables;
    this.files = parts.files;
    this.writer = parts.writer;
    this.options = options;
  }

  async stage(table: TableName, batches: readonly ColumnBatch[]): Promise<StagedTable> {
    const { metadata } = await this.tables.load(table);
    // Another engine may have changed the table since it was opened.
    checkFits(recordSchema(table), metadata);
    const dataFiles = await this.dataFiles(table, metadata, batches);
    const snapshotId = this.random.int63();
    const manifest = await this.manifest(metadata, snapshotId, dataFiles);
    return {
      table,
      snapshotId,
      manifest,
      partitionCount: new Set(dataFiles.map((file) => JSON.stringify(file.partition))).size,
      sizeBytes: dataFiles.reduce((sum, file) => sum + file.sizeBytes, 0),
      keys: [manifest.path, ...dataFiles.map((file) => file.path)].map((path) => this.objects.key(path)),
    };
  }

  private async dataFiles(
    table: TableName,
    metadata: TableMetadata,
    batches: readonly ColumnBatch[],
  ): Promise<readonly DataFile[]> {
    const directory = await mkdtemp(join(this.options.tempDirectory, 'stage-'));
    try {
      const written = await this.writer.write(
        writeJob(table, metadata, batches, directory, this.options.fileBytesTarget),
      );
      return await Promise.all(written.map((file) => this.stored(metadata, file)));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  private async stored(metadata: TableMetadata, { path, digest, ...facts }: WrittenFile): Promise<DataFile> {
    const location = `${metadata.location}/data/${contentName(this.random.uuid(), digest)}.parquet`;
    const { sizeBytes } = await this.objects.putFileIfAbsent(this.objects.key(location), path);
    if (sizeBytes !== facts.sizeBytes) {
      throw new Error(
        `${location} has ${sizeBytes} bytes where ${facts.sizeBytes} were written: the upload is not whole`,
      );
    }
    return { ...facts, path: location, recordCount: facts.rowCount, sortOrderId: metadata['default-sort-order-id'] };
  }

  private async manifest(
    metadata: TableMetadata,
    snapshotId: bigint,
    dataFiles: readonly DataFile[],
  ): Promise<StagedTable['manifest']> {
    const entries = dataFiles.map(
      (file) => ({ status: 'added', snapshotId, dataSequenceNumber: null, fileSequenceNumber: null, file }) as const,
    );
    const snapshot = { snapshotId, sequenceNumber: 0 };
    return this.files.writeManifestFile(metadata, metadata['default-spec-id'], entries, snapshot);
  }
}

/** Columns go under the names that the table has for their field ids now. */
function writeJob(
  table: TableName,
  metadata: TableMetadata,
  batches: readonly ColumnBatch[],
  directory: string,
  fileBytesTarget: number,
): WriteJob {
  const schema = currentSchema(metadata);
  const record = recordSchema(table).fields;
  const fields = record.map(({ id, nestedId }): FileField => {
    const { name, type, required } = fieldById(schema, id)!;
    return { id, name, type: fieldType(type)!, required, nestedId: nestedId ?? null };
  });
  const positionOf = (id: number) => fields.findIndex((field) => field.id === id);
  return {
    directory,
    fields,
    partitionBy: defaultSpec(metadata).fields.map((field) => ({
      position: positionOf(field['source-id']),
      transform: field.transform,
    })),
    sortBy: defaultSortOrder(metadata).fields.map((field) => positionOf(field['source-id'])),
    batches: batches.map(({ rowCount, columns }) => ({ rowCount, columns: columns.map(({ column }) => column) })),
    fileBytesTarget,
  };
}
