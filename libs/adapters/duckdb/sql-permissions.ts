import { RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import { asTree, asTrees, foldName, forbidden, textOf, type Tree } from './statement-tree.ts';

/** Relations that user SQL may read, by their names in lower case: `trades` and `market_data.trades`, and so on. */
const RELATIONS: ReadonlyMap<string, TableName> = new Map(
  RECORD_SCHEMAS.flatMap(({ table }) => [
    [table, table] as const,
    [table.slice(table.indexOf('.') + 1), table] as const,
  ]),
);

const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['unnest', 'range', 'generate_series']);

const QUERY_NODES: ReadonlySet<string> = new Set(['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE']);
const TABLE_REFERENCES: ReadonlySet<string> = new Set(['EMPTY', 'JOIN', 'SUBQUERY', 'EXPRESSION_LIST', 'PIVOT']);
const EXPRESSIONS: ReadonlySet<string> = new Set([
  'BETWEEN',
  'CASE',
  'CAST',
  'COLLATE',
  'COLUMN_REF',
  'COMPARISON',
  'CONJUNCTION',
  'CONSTANT',
  'FUNCTION',
  'LAMBDA',
  'LAMBDA_REF',
  'OPERATOR',
  'POSITIONAL_REFERENCE',
  'STAR',
  'SUBQUERY',
  'TYPE',
  'WINDOW',
]);

type Scope = ReadonlySet<string>;

/**
 * Checks the parse tree of a query: only permitted relations and functions. What is not known is refused: a new kind of
 * node in a later DuckDB is forbidden until it is listed here. Throws QuestionError `forbidden-query`. Returns the tables
 * read, by the node that names each.
 */
export function checkPermitted(query: Tree, functions: ReadonlySet<string>): ReadonlyMap<Tree, TableName> {
  const check = new PermissionCheck(functions);
  check.query(query, new Set());
  return check.tables;
}

class PermissionCheck {
  readonly tables = new Map<Tree, TableName>();
  private readonly functions: ReadonlySet<string>;
  constructor(functions: ReadonlySet<string>) {
    this.functions = functions;
  }

  /** A query and its CTEs. A CTE's name counts only after it is defined; before that it means something else. */
  query(node: Tree, outer: Scope): void {
    if (!QUERY_NODES.has(textOf(node.type))) throw forbidden(`${textOf(node.type)} is not permitted`);
    const scope = new Set(outer);
    const { cte_map: cteMap, ...rest } = node;
    for (const entry of asTrees(asTree(cteMap ?? { map: [] }).map)) {
      const { query, ...options } = asTree(entry.value);
      this.query(asTree(asTree(query).node), scope);
      this.walk(options, scope);
      scope.add(foldName(entry.key));
    }
    // Only a recursive CTE's second half sees its own name.
    if (node.type === 'RECURSIVE_CTE_NODE') {
      const { left, right, ...others } = rest;
      this.query(asTree(left), scope);
      this.query(asTree(right), new Set(scope).add(foldName(node.cte_name)));
      this.walk(Object.values(others), scope);
      return;
    }
    for (const value of Object.values(rest)) this.walk(value, scope);
  }

  private walk(value: unknown, scope: Scope): void {
    if (Array.isArray(value)) {
      for (const element of value) this.walk(element, scope);
    } else if (typeof value === 'object' && value !== null) {
      this.node(value as Tree, scope);
    }
  }

  private node(node: Tree, scope: Scope): void {
    const type = typeof node.type === 'string' ? node.type : '';
    if (QUERY_NODES.has(type)) return this.query(node, scope);
    if (typeof node.class === 'string') this.expression(node, node.class);
    else if (isTableReference(node)) return this.tableReference(node, type, scope);
    for (const [key, child] of Object.entries(node)) {
      // A constant's value is data, whatever it looks like.
      if (node.class === 'CONSTANT' && key === 'value') continue;
      this.walk(child, scope);
    }
  }

  private expression(node: Tree, expressionClass: string): void {
    if (!EXPRESSIONS.has(expressionClass))
      throw forbidden(`${expressionClass.toLowerCase()} expressions are not permitted`);
    if (expressionClass === 'COLUMN_REF') return this.columnReference(node);
    if (expressionClass !== 'FUNCTION' && expressionClass !== 'WINDOW') return;
    const name = foldName(node.function_name);
    if (!isBuiltIn(node) || !this.functions.has(name))
      throw forbidden(`the function ${JSON.stringify(name)} is not permitted`);
  }

  /** `SELECT user` is a column of that name, or else a call of the function. */
  private columnReference(node: Tree): void {
    const names = node.column_names;
    if (!Array.isArray(names)) throw forbidden('the statement has an unknown form');
    const name = names.length === 1 ? foldName(names[0]) : '';
    if (REFUSED_VALUES.has(name))
      throw forbidden(`the function ${JSON.stringify(name)} is not permitted (of a column, name its table too)`);
  }

  private tableReference(node: Tree, type: string, scope: Scope): void {
    if (type === 'BASE_TABLE') {
      this.baseTable(node, scope);
      // What is left (sample, aliases) holds only data.
      return;
    }
    if (type === 'TABLE_FUNCTION') {
      const call = asTree(node.function);
      const name = foldName(call.function_name);
      if (call.class !== 'FUNCTION' || !isBuiltIn(call) || !TABLE_FUNCTIONS.has(name))
        throw forbidden(`the table function ${JSON.stringify(name)} is not permitted`);
      this.walk(call.children, scope);
      return;
    }
    if (!TABLE_REFERENCES.has(type)) throw forbidden(`${type} is not permitted in FROM`);
    for (const child of Object.values(node)) this.walk(child, scope);
  }

  private baseTable(node: Tree, scope: Scope): void {
    const schema = foldName(node.schema_name);
    const table = foldName(node.table_name);
    const isPlain = textOf(node.catalog_name) === '' && (node.at_clause ?? null) === null;
    const isCte = schema === '' && scope.has(table);
    const name = schema === '' ? table : `${schema}.${table}`;
    const known = isCte ? undefined : RELATIONS.get(name);
    if (!isPlain || !(isCte || known !== undefined))
      throw forbidden(`the relation ${JSON.stringify(name)} is not permitted`);
    if (known !== undefined) this.tables.set(node, known);
  }
}

/** The parser itself writes `main.struct_pack` and the like; no database of ours holds a function of its own. */
function isBuiltIn(call: Tree): boolean {
  return ['', 'main'].includes(foldName(call.schema)) && ['', 'system'].includes(foldName(call.catalog));
}

/** Table references carry `alias` and `sample`; so does no other kind of node without a class. */
function isTableReference(node: Tree): boolean {
  return 'alias' in node && 'sample' in node;
}

/**
 * Functions of DuckDB's catalog that user SQL may call, asked for with `duckdb_functions()`; their names are refused
 * where they reach settings, files, other sessions' text or the engine's inside, or only burn time.
 */
export function permittedFunctions(names: Iterable<string>): ReadonlySet<string> {
  // In a select list unnest is an expression, though the catalog has it as a table function only.
  const permitted = new Set<string>(['unnest']);
  for (const name of names) if (!REFUSED_FUNCTIONS.test(name)) permitted.add(foldName(name));
  return permitted;
}

/** Functions that are called without parentheses. */
const REFUSED_VALUES: ReadonlySet<string> = new Set([
  'current_catalog',
  'current_database',
  'current_role',
  'current_schema',
  'current_user',
  'session_user',
  'user',
]);

const REFUSED_FUNCTIONS = new RegExp(
  `^(${[
    '__internal_.*',
    '.*scan.*',
    '.*sql.*',
    '.*serialize.*',
    'check_peg_parser',
    'combine',
    'currval',
    'current_(connection|query|setting|transaction).*',
    'current_(database|schema|schemas|role|user|catalog)',
    'duckdb_.*',
    '.*_logging',
    'finalize',
    'get_block_size',
    'getenv',
    'getvariable',
    'glob',
    'has_.*_privilege',
    'in_search_path',
    'inet_.*',
    'nextval',
    'parquet_.*',
    'parse_duckdb_log_message',
    'pg_.*',
    'pragma_.*',
    'query',
    'query_table',
    'read_.*',
    'remap_struct',
    'session_user',
    'setseed',
    'sleep.*',
    'sniff_.*',
    'stats',
    'sum_no_overflow',
    'txid_.*',
    'user',
    'variant_.*',
    'vector_type',
    'which_secret',
    'write_.*',
    '.*_description',
    'format_pg_type',
    'map_to_pg_oid',
  ].join('|')})$`,
  'i',
);
