import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { MEDIA_TYPES, type Format } from '../encode/formats.ts';
import { PROBLEM_MEDIA_TYPE } from '../http/problem-filter.ts';
import { PROBLEMS, type ProblemKind } from '../http/problem.ts';
import { VERSIONS } from '../operations/versions.ts';
import { OF_EVERY_REQUEST, OPERATIONS, type Operation } from './operations.ts';
import { problemExample, schemaRef, SCHEMAS, type Json } from './schemas.ts';

const DESCRIPTION = `Market data with nothing lost, nothing counted twice, and every answer saying how complete it is.

Times are ISO 8601 in UTC to the microsecond. Prices and quantities are exact decimal strings; integers beyond 2^53 are strings.
Errors are RFC 9457 problem details which name the wrong value and what was expected; switch on \`type\`. What these schemas refuse is \`invalid-request\`; a request that fits them is refused with other kinds only.
X-Correlation-Id, given or made, comes back and is in every log line of the request.`;

/** OpenAPI 3.1: parameters and bodies from the DTOs, everything else from the table of operations. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('K2')
    .setDescription(DESCRIPTION)
    .setVersion(VERSIONS.k2)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .build();
  const scanned = SwaggerModule.createDocument(app, config, { operationIdFactory: (_controller, method) => method });
  const document = structuredClone(scanned) as unknown as MutableDocument;
  const bodies = Object.fromEntries(
    Object.entries(document.components?.schemas ?? {}).map(([name, schema]) => [name, strictBody(schema)]),
  );
  document.components = { ...document.components, schemas: { ...bodies, ...SCHEMAS } };
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, scannedOperation] of Object.entries(methods)) {
      const operation = OPERATIONS[`${method} ${path}`];
      if (operation !== undefined) methods[method] = { ...scannedOperation, ...described(operation, scannedOperation) };
    }
  }
  return document as unknown as OpenAPIObject;
}

/** A body has its fields and no others; null is as if a field that may be absent were. */
function strictBody(schema: Json): Json {
  const required = (schema['required'] ?? []) as readonly string[];
  const properties = Object.entries(schema['properties'] as Readonly<Record<string, Json>>);
  const nullable = properties.map(([name, property]) => [
    name,
    required.includes(name) ? property : { ...property, type: [property['type'], 'null'] },
  ]);
  return { ...schema, properties: Object.fromEntries(nullable), additionalProperties: false };
}

interface MutableDocument {
  components?: { schemas?: Record<string, Json> };
  paths: Record<string, Record<string, Json>>;
}

function described({ summary, description, tag, status = 200, problems, ...answer }: Operation, scanned: Json): Json {
  const responses = {
    [status]: { ...success(answer), ...nextPage(scanned) },
    ...problemResponses([...new Set([...problems, ...OF_EVERY_REQUEST])]),
  };
  return { summary, description, tags: [tag], responses };
}

/** The link to the next page of what has a cursor: the same question, with the cursor of the answer. */
function nextPage({ operationId, parameters = [] }: Json): Json {
  const names = (parameters as readonly { readonly name: string }[]).map(({ name }) => name);
  if (!names.includes('cursor')) return {};
  const given = Object.fromEntries(names.map((name) => [name, `$request.query.${name}`]));
  const description = 'The next page, where `nextCursor` is not null: the question as it was, with that as `cursor`.';
  return {
    links: { nextPage: { operationId, description, parameters: { ...given, cursor: '$response.body#/nextCursor' } } },
  };
}

function success({ schema, formats = ['json'], other = {}, example, hasProvenance = false }: Partial<Operation>): Json {
  const representations =
    schema === undefined
      ? []
      : formats.map((format) => [MEDIA_TYPES[format], representation(format, schema, example)] as const);
  const isStreamed = formats.length > 1;
  return {
    description: 'The answer.',
    headers: {
      'X-Correlation-Id': { schema: { type: 'string' } },
      ...(isStreamed && {
        'K2-Row-Limit': {
          description: 'Streamed formats: an answer of this many rows may be cut.',
          schema: { type: 'integer' },
        },
      }),
      ...(hasProvenance && {
        'K2-Completeness': {
          description:
            'Streamed formats: completeness as compact JSON; of many gaps it lists the first and counts all.',
          content: { 'application/json': { schema: schemaRef('Completeness') } },
        },
        'K2-Snapshot-Id': { description: 'Streamed formats: what the answer is of.', schema: { type: 'string' } },
      }),
    },
    content: { ...Object.fromEntries(representations), ...other },
  };
}

function representation(format: Format, schema: string, example: unknown): Json {
  if (format === 'json') return { schema: schemaRef(schema), example };
  if (format === 'arrow' || format === 'parquet') return { schema: { type: 'string', format: 'binary' } };
  const note =
    format === 'ndjson'
      ? 'A row as JSON a line.'
      : 'RFC 4180 with a header line; null is empty, an empty string is "".';
  return { schema: { type: 'string', description: note } };
}

/** By status: what to do instead, for programs. */
const PROBLEM_HEADERS: Readonly<Record<number, Json>> = {
  415: {
    'Accept-Post': { description: 'Of a wrong media type.', schema: { type: 'string' } },
    'Accept-Encoding': { description: 'Of a compressed body.', schema: { type: 'string' } },
  },
  429: { 'Retry-After': { schema: { type: 'integer' } } },
  503: { 'Retry-After': { schema: { type: 'integer' } } },
};

function problemSchema(status: number, kinds: readonly ProblemKind[]): Json {
  const type = { enum: kinds.map((kind) => `urn:k2:problem:${kind}`) };
  return { ...schemaRef('Problem'), properties: { type, status: { const: status } } };
}

/** Kinds that share a status share a response. */
function problemResponses(problems: Operation['problems']): Json {
  const statuses = [...new Set(problems.map((kind) => PROBLEMS[kind].status))];
  return Object.fromEntries(
    statuses.map((status) => {
      const kinds = problems.filter((kind) => PROBLEMS[kind].status === status);
      const examples = Object.fromEntries(kinds.map((kind) => [kind, { value: problemExample(kind) }]));
      return [
        String(status),
        {
          description: kinds.map((kind) => PROBLEMS[kind].title).join('; '),
          ...(PROBLEM_HEADERS[status] !== undefined && { headers: PROBLEM_HEADERS[status] }),
          content: { [PROBLEM_MEDIA_TYPE]: { schema: problemSchema(status, kinds), examples } },
        },
      ];
    }),
  );
}
