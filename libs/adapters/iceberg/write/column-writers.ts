import type { FieldType } from '@k2/domain/market';
import { BytesWriter } from './bytes-writer.ts';
import type { ColumnWriter } from './column-writer.ts';
import { DictionaryWriter } from './dictionary-writer.ts';
import { ListWriter } from './list-writer.ts';
import { Int32Writer, Int64Writer, WordsWriter } from './number-writers.ts';
import type { TableColumn } from './table-rows.ts';

export function columnWriter(column: TableColumn, type: FieldType, required: boolean): ColumnWriter {
  switch (column.kind) {
    case 'integer':
      return type === 'int' ? new Int32Writer(column.values) : new Int64Writer(column.values);
    case 'int64':
      return new WordsWriter(column.words);
    case 'bytes':
      return new BytesWriter(column.offsets, column.bytes, type, required);
    case 'dictionary':
      if (type === 'string') return new DictionaryWriter(column.codes, column.dictionary as readonly (string | null)[]);
      return new ListWriter(column.codes, column.dictionary, type === 'string-map');
  }
}
