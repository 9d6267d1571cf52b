import type { TableName } from '@k2/domain/market';
import type { SqlRead } from '@k2/ports';
import { isTickTable } from './scan-sql.ts';
import { asTrees, foldName, type Tree } from './statement-tree.ts';

/** UTC µs of a constant as DuckDB would compare it with a time; null if it is no time. */
export type TimeOf = (text: string, castTo: string | null) => Promise<number | null>;

/**
 * What a query has to have planned: its tables, and of a tick table that it names once, what the WHERE of the SELECT over
 * that table alone leaves of it. Only conjunctions of constants are understood; anything else narrows nothing, so that
 * what is planned never lacks a row of the answer. `tables`: the references to tables, as `checkPermitted` found them.
 */
export async function sqlReads(
  query: Tree,
  tables: ReadonlyMap<Tree, TableName>,
  timeOf: TimeOf,
): Promise<readonly SqlRead[]> {
  const named = [...tables.values()];
  const reads = new Map<TableName, SqlRead>(named.map((table) => [table, { table }]));
  for (const select of selectsOf(query)) {
    const from = select['from_table'] as Tree | undefined;
    const table = from === undefined ? undefined : tables.get(from);
    if (table === undefined || !isTickTable(table) || named.filter((other) => other === table).length > 1) continue;
    if (!isPlain(from!)) continue;
    const narrowing = new Narrowing(from!, timeOf);
    await narrowing.add(select['where_clause']);
    reads.set(table, { table, ...narrowing.filter });
  }
  return [...reads.values()];
}

/** Its columns have their own names, and no row is left out before WHERE. */
function isPlain(from: Tree): boolean {
  const columns = from['column_name_alias'];
  return from['sample'] === null && Array.isArray(columns) && columns.length === 0;
}

function* selectsOf(value: unknown): Iterable<Tree> {
  if (Array.isArray(value)) for (const element of value) yield* selectsOf(element);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const node = value as Tree;
  if (node['type'] === 'SELECT_NODE') yield node;
  for (const child of Object.values(node)) yield* selectsOf(child);
}

const MIRRORED: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: 'COMPARE_EQUAL',
  COMPARE_GREATERTHAN: 'COMPARE_LESSTHAN',
  COMPARE_GREATERTHANOREQUALTO: 'COMPARE_LESSTHANOREQUALTO',
  COMPARE_LESSTHAN: 'COMPARE_GREATERTHAN',
  COMPARE_LESSTHANOREQUALTO: 'COMPARE_GREATERTHANOREQUALTO',
};

class Narrowing {
  filter: Omit<SqlRead, 'table'> = {};
  private readonly relation: string;
  private readonly timeOf: TimeOf;

  constructor(from: Tree, timeOf: TimeOf) {
    this.relation = foldName(from['alias']) || foldName(from['table_name']);
    this.timeOf = timeOf;
  }

  async add(condition: unknown): Promise<void> {
    if (typeof condition !== 'object' || condition === null) return;
    const node = condition as Tree;
    if (node['type'] === 'CONJUNCTION_AND') for (const part of asTrees(node['children'])) await this.add(part);
    else if (node['type'] === 'COMPARE_IN') this.addList(asTrees(node['children']));
    else if (node['class'] === 'COMPARISON')
      await this.addComparison(String(node['type']), node['left'], node['right']);
    else if (node['type'] === 'COMPARE_BETWEEN') {
      await this.addComparison('COMPARE_GREATERTHANOREQUALTO', node['input'], node['lower']);
      await this.addComparison('COMPARE_LESSTHANOREQUALTO', node['input'], node['upper']);
    }
  }

  private addList([input, ...values]: readonly Tree[]): void {
    const texts = values.map(constantText);
    if (this.columnOf(input) === 'symbol' && texts.every((text) => text !== null)) this.addSymbols(texts);
  }

  private async addComparison(type: string, left: unknown, right: unknown): Promise<void> {
    const column = this.columnOf(left);
    if (column === null) {
      const mirrored = MIRRORED[type];
      if (mirrored !== undefined && this.columnOf(right) !== null) await this.addComparison(mirrored, right, left);
      return;
    }
    if (column === 'timestamp') return this.addTime(type, right);
    const text = constantText(right);
    if (type !== 'COMPARE_EQUAL' || text === null) return;
    if (column === 'symbol') this.addSymbols([text]);
    if (column === 'exchange') this.filter = { exchange: text, ...this.filter };
  }

  private addSymbols(symbols: readonly string[]): void {
    this.filter = { symbols, ...this.filter };
  }

  private async addTime(type: string, constant: unknown): Promise<void> {
    const [value, castTo] = uncast(constant);
    const text = constantText(value);
    const timeUs = text === null ? null : await this.timeOf(text, castTo);
    if (timeUs === null) return;
    const { fromUs, toUs } = this.filter;
    if (type === 'COMPARE_EQUAL' || type.startsWith('COMPARE_GREATERTHAN'))
      this.filter = { ...this.filter, fromUs: Math.max(timeUs, fromUs ?? timeUs) };
    if (type === 'COMPARE_EQUAL' || type.startsWith('COMPARE_LESSTHAN'))
      this.filter = { ...this.filter, toUs: Math.min(timeUs + 1, toUs ?? timeUs + 1) };
  }

  /** The name of a column of the table itself; null of anything else. */
  private columnOf(value: unknown): string | null {
    const names = (value as Tree | null)?.['class'] === 'COLUMN_REF' ? (value as Tree)['column_names'] : null;
    if (!Array.isArray(names) || names.length > 2) return null;
    if (names.length === 2 && foldName(names[0]) !== this.relation) return null;
    return foldName(names[names.length - 1]);
  }
}

function constantText(value: unknown): string | null {
  const node = value as { class?: unknown; value?: { type?: { id?: unknown }; is_null?: unknown; value?: unknown } };
  if (node?.class !== 'CONSTANT' || node.value?.type?.id !== 'VARCHAR' || node.value.is_null !== false) return null;
  return typeof node.value.value === 'string' ? node.value.value : null;
}

/** A constant and the type that it is cast to, as in `DATE '2014-03-10'`. */
function uncast(value: unknown): readonly [unknown, string | null] {
  const node = value as { class?: unknown; child?: unknown; try_cast?: unknown; cast_type?: { id?: unknown } } | null;
  if (node?.class !== 'CAST' || node.try_cast !== false) return [value, null];
  return [node.child, String(node.cast_type?.id)];
}
