import { exactNumber, type Column, type DictionaryValue, type Utf8Column } from '@k2/domain/market';
import type { ScanField } from '@k2/ports';
import type { MemoryFile } from './memory-tick-store-file.ts';

/** Decimals are scaled bigints; integers and times are numbers, integers beyond 2^53 bigints. */
export type CellValue = DictionaryValue | number | bigint | Uint8Array;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Value of a field in a row of a file; null where the file is older than the field. */
export function cellAt(file: MemoryFile, field: Pick<ScanField, 'id' | 'required'>, row: number): CellValue {
  const column = file.columns.get(field.id);
  return column === undefined ? null : columnValueAt(column, row, field.required);
}

function columnValueAt(column: Column, row: number, required: boolean): CellValue {
  switch (column.kind) {
    case 'integer':
    case 'decimal':
      return column.values[row];
    case 'int64':
      return exactNumber(column.values[row]);
    case 'dictionary':
      return column.dictionary[column.codes[row]];
    case 'binary':
      return bytesAt(column.values, row);
    case 'utf8': {
      const text = decoder.decode(bytesAt(column.values, row));
      return text === '' && !required ? null : text;
    }
  }
}

function bytesAt({ offsets, bytes }: Utf8Column, row: number): Uint8Array {
  return bytes.subarray(offsets[row], offsets[row + 1]);
}
