import {
  DuckDBTypeId,
  type DuckDBArrayType,
  type DuckDBListType,
  type DuckDBMapType,
  type DuckDBStructType,
  type DuckDBType,
  type DuckDBUnionType,
} from '@duckdb/node-api';
import { quoteName } from './scan-sql.ts';

/** A column, cast where its type is not one that Parquet holds. */
export function parquetColumn(column: string, type: DuckDBType): string {
  const held = parquetType(type);
  return held === String(type) ? column : `${column}::${held}`;
}

/**
 * The SQL type as which a column goes into Parquet with every value as it is. Of what DuckDB would write otherwise:
 * integers of 128 bits, which it rounds to DOUBLE, become decimals of 38 digits (one that has more fails the export);
 * arrays become lists, as a null one would have no items in the file where its reader expects some; intervals, which it
 * cuts to the millisecond and refuses if they are negative, and times of day with an offset, which it drops, become text.
 */
function parquetType(type: DuckDBType): string {
  switch (type.typeId) {
    case DuckDBTypeId.HUGEINT:
    case DuckDBTypeId.UHUGEINT:
      return 'DECIMAL(38,0)';
    case DuckDBTypeId.INTERVAL:
    case DuckDBTypeId.TIME_TZ:
      return 'VARCHAR';
    case DuckDBTypeId.ARRAY:
    case DuckDBTypeId.LIST:
      return `${parquetType((type as DuckDBArrayType | DuckDBListType).valueType)}[]`;
    case DuckDBTypeId.MAP: {
      const { keyType, valueType } = type as DuckDBMapType;
      return `MAP(${parquetType(keyType)}, ${parquetType(valueType)})`;
    }
    case DuckDBTypeId.STRUCT: {
      const { entryNames, entryTypes } = type as DuckDBStructType;
      return `STRUCT(${members(entryNames, entryTypes)})`;
    }
    case DuckDBTypeId.UNION: {
      const { memberTags, memberTypes } = type as DuckDBUnionType;
      return `UNION(${members(memberTags, memberTypes)})`;
    }
    default:
      return String(type);
  }
}

function members(names: readonly string[], types: readonly DuckDBType[]): string {
  return names.map((name, at) => `${quoteName(name)} ${parquetType(types[at])}`).join(', ');
}
