import { RECORD_SCHEMAS } from '@k2/domain/market';
import { QuestionError } from './question-error.ts';

const RELATION_NAMES = RECORD_SCHEMAS.map(({ table }) => table.slice(table.indexOf('.') + 1)).join(', ');

/** A node of the parse tree that `json_serialize_sql` gives. */
export type Tree = Readonly<Record<string, unknown>>;

/**
 * The query of the one SELECT that the text holds. Throws QuestionError `forbidden-query` if it is another statement or
 * more than one, `invalid-query` if it does not parse.
 */
export function selectTree(serialized: string): Tree {
  const tree = parsed(serialized);
  if (tree.error) {
    if (tree.error_type === 'not implemented') throw forbidden('the statement is not a SELECT');
    throw new QuestionError('invalid-query', `the SQL does not parse: ${tree.error_message}`);
  }
  const statements = tree.statements ?? [];
  if (statements.length === 0) throw new QuestionError('invalid-query', 'the SQL holds no statement');
  if (statements.length > 1) throw forbidden(`${statements.length} statements were sent`);
  return asTree(statements[0].node);
}

interface SerializedStatements {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly statements?: readonly Tree[];
}

function parsed(serialized: string): SerializedStatements {
  try {
    return JSON.parse(serialized) as SerializedStatements;
  } catch {
    // The one thing in it that is no JSON: an infinite DOUBLE, where no constant can stand for it.
    throw new QuestionError('invalid-query', 'the SQL does not parse: a number in it is beyond the range of DOUBLE');
  }
}

/**
 * Whether two texts were parsed into the same query. What DuckDB's printing changes without changing the meaning counts
 * as the same: places in the text, VALUES wrapped in a SELECT, the order of grouping sets, the truth that IS TRUE
 * compares with.
 */
export function isSameQuery(a: Tree, b: Tree): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const node = { ...(value as Record<string, unknown>) };
  // A constant's value is data, whatever it looks like.
  if (node['class'] === 'CONSTANT') return truthAsCast(node) ?? { ...node, query_location: 0 };
  delete node['query_location'];
  for (const [key, child] of Object.entries(node)) node[key] = canonical(child);
  return wrappedValues(node) ?? withSortedGroups(node);
}

/** `x IS TRUE` compares with a constant, and is printed as a comparison with the word `true`, which is parsed as `'t'::BOOLEAN`. */
function truthAsCast({ alias, value }: Tree): Tree | null {
  const { type, is_null: isNull, value: truth } = asTree(value);
  if (isNull !== false || typeof truth !== 'boolean' || !isTree(type) || type['id'] !== 'BOOLEAN') return null;
  const text = { type: { id: 'VARCHAR', type_info: null }, is_null: false, value: truth ? 't' : 'f' };
  return {
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias,
    child: { class: 'CONSTANT', type: 'VALUE_CONSTANT', alias: '', query_location: 0, value: text },
    cast_type: type,
    try_cast: false,
  };
}

/** The list in `(SELECT * FROM (VALUES …) AS valueslist) AS valueslist`, which is how `(VALUES …)` is printed. */
function wrappedValues(node: Tree): Tree | null {
  if (node['type'] !== 'SUBQUERY' || node['alias'] !== 'valueslist' || !isTree(node['subquery'])) return null;
  const select = node['subquery']['node'];
  if (!isTree(select) || !isTree(select['from_table'])) return null;
  const { from_table: from, select_list: columns, ...rest } = select;
  const isList = from['type'] === 'EXPRESSION_LIST' && from['alias'] === 'valueslist';
  const isAll = JSON.stringify(columns) === ALL_COLUMNS;
  const isBare = Object.values(rest).every((part) => BARE_PARTS.has(JSON.stringify(part)));
  return isList && isAll && isBare ? from : null;
}

const ALL_COLUMNS = JSON.stringify([
  {
    class: 'STAR',
    type: 'STAR',
    alias: '',
    relation_name: '',
    exclude_list: [],
    replace_list: [],
    columns: false,
    expr: null,
    qualified_exclude_list: [],
    rename_list: [],
  },
]);
const BARE_PARTS: ReadonlySet<string> = new Set(
  ['SELECT_NODE', 'STANDARD_HANDLING', null, [], { map: [] }].map((part) => JSON.stringify(part)),
);

/** Grouping sets name their expressions by index, which printing may give out in another order. */
function withSortedGroups(node: Tree): Tree {
  const { group_expressions: expressions, group_sets: sets } = node;
  if (!Array.isArray(expressions) || !Array.isArray(sets)) return node;
  const named = (sets as readonly number[][]).map((set) =>
    set.map((index) => JSON.stringify(expressions[index])).sort(),
  );
  return {
    ...node,
    group_expressions: expressions.map((expression) => JSON.stringify(expression)).sort(),
    group_sets: named.map((set) => JSON.stringify(set)).sort(),
  };
}

export function asTree(value: unknown): Tree {
  if (!isTree(value)) throw forbidden('the statement has an unknown form');
  return value;
}

export function asTrees(value: unknown): readonly Tree[] {
  if (!Array.isArray(value)) throw forbidden('the statement has an unknown form');
  return value.map(asTree);
}

export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw forbidden('the statement has an unknown form');
  return value;
}

/**
 * A name as DuckDB compares it: only the letters of ASCII have a lower case. JavaScript's `toLowerCase` also makes the
 * Kelvin sign a `k`, and a name that DuckDB takes for another would pass for a permitted one.
 */
export function foldName(value: unknown): string {
  return textOf(value).replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

export function forbidden(what: string): QuestionError {
  return new QuestionError('forbidden-query', `${what}; send one SELECT over ${RELATION_NAMES}`);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
