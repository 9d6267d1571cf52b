import {
  DuckDBTypeId,
  type DuckDBArrayType,
  type DuckDBListType,
  type DuckDBMapType,
  type DuckDBStructType,
  type DuckDBType,
  type DuckDBUnionType,
} from '@duckdb/node-api';
import { QuestionError } from './question-error.ts';

/**
 * Refuses a column with structs whose values are not told apart by name: `row(1, 2)` is `{"":2}` as DuckDB's client reads
 * it, and two columns of one name in Parquet. Throws QuestionError `invalid-query`.
 */
export function checkValuesNamed(column: string, type: DuckDBType): void {
  if (areValuesNamed(type)) return;
  throw new QuestionError(
    'invalid-query',
    `the column ${JSON.stringify(column)} holds values that have no name to be read by, ${type}: name them, as in {'a': 1, 'b': 2}`,
  );
}

function areValuesNamed(type: DuckDBType): boolean {
  switch (type.typeId) {
    case DuckDBTypeId.ARRAY:
    case DuckDBTypeId.LIST:
      return areValuesNamed((type as DuckDBArrayType | DuckDBListType).valueType);
    case DuckDBTypeId.MAP: {
      const { keyType, valueType } = type as DuckDBMapType;
      return areValuesNamed(keyType) && areValuesNamed(valueType);
    }
    case DuckDBTypeId.STRUCT: {
      const { entryNames, entryTypes } = type as DuckDBStructType;
      return entryNames.every((name) => name !== '' && name !== '__proto__') && entryTypes.every(areValuesNamed);
    }
    case DuckDBTypeId.UNION:
      return (type as DuckDBUnionType).memberTypes.every(areValuesNamed);
    default:
      return true;
  }
}
