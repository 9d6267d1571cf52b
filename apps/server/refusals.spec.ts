import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { placed, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { createApp } from './app.ts';
import { FakePlatform } from './test-support/fake-platform.ts';

interface Schema {
  readonly type: string | readonly string[];
  readonly enum?: readonly string[];
  readonly example?: unknown;
}
interface Operation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly example?: unknown;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: { readonly $ref: string } }>> };
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: ProblemSchema }>> }>
  >;
}
interface ProblemSchema {
  readonly properties: { readonly type: { readonly enum: readonly string[] } };
}
type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'PATCH' | 'OPTIONS';
interface Request {
  readonly method: Method;
  readonly url: string;
  readonly payload?: string | object;
  readonly headers?: Record<string, string>;
}

const platform = new FakePlatform({ trades: placed(tradeBatch()), quotes: placed(quoteBatch()) });
let app: NestFastifyApplication;
let paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
let schemas: Readonly<Record<string, { readonly properties: Readonly<Record<string, Schema>> }>>;

beforeAll(async () => {
  app = await createApp(platform.context());
  const document = JSON.parse((await app.inject({ method: 'GET', url: '/openapi.json' })).body);
  paths = document.paths;
  schemas = document.components.schemas;
});
afterEach(() => expect(platform.engine.held).toBe(0));
afterAll(() => app.close());

const operations = () =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase() as Method,
      path,
      operation,
    })),
  );

/** Fields of a body by name; a body that does, with `more` in it. */
function bodyOf({ requestBody }: Operation, more: object) {
  const { $ref } = requestBody!.content['application/json'].schema;
  const { properties } = schemas[$ref.split('/').at(-1)!];
  const sql = properties['sql'] && { sql: 'SELECT 1' };
  const feed = properties['feed'] && { feed: 'asx:/x' };
  return { properties, body: { ...sql, ...feed, ...more } };
}

function queryOf({ parameters = [] }: Operation) {
  return parameters.filter((parameter) => parameter.in === 'query');
}

function requestOf(method: Method, path: string, operation: Operation, query = ''): Request {
  const payload = method === 'POST' ? { payload: bodyOf(operation, {}).body } : {};
  return { method, url: `${path}${query === '' ? '' : `?${query}`}`, ...payload };
}

/** Asks, and expects problem details that the document has for the operation and that show nothing unprintable. */
async function refused(request: Request, operation: Operation | null) {
  const { statusCode, headers, body } = await app.inject(request);
  const asked = `${request.method} ${request.url.slice(0, 100)} ${JSON.stringify(request.payload ?? '').slice(0, 100)}`;
  expect([asked, headers['content-type']]).toEqual([asked, 'application/problem+json; charset=utf-8']);
  const problem = JSON.parse(body) as {
    readonly type: string;
    readonly detail: string;
    readonly errors: readonly { readonly field: string; readonly value: unknown; readonly expected: string }[];
  };
  if (operation !== null) {
    const kinds = operation.responses[String(statusCode)]?.content['application/problem+json'].schema.properties.type;
    expect([asked, kinds?.enum]).toEqual([asked, expect.arrayContaining([problem.type])]);
  }
  const [first] = problem.errors;
  expect([asked, first]).toEqual([asked, expect.objectContaining({ field: expect.stringMatching(/./) })]);
  expect([asked, problem.detail]).toEqual([asked, expect.stringContaining(first.expected)]);
  expect(JSON.stringify(problem.errors.map(({ value }) => value)).length).toBeLessThan(2_000 * problem.errors.length);
  expect(problem.detail).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
  return { statusCode, headers, problem, first };
}

describe('every parameter of every route', () => {
  it.each([
    ['empty', () => ['']],
    ['too long', () => ['x'.repeat(5_000)]],
    ['of controls', () => ['\u001b[31m\u202e']],
    [
      'given twice',
      ({ example, schema }: { example?: unknown; schema: Schema }) =>
        schema.type === 'array' ? [] : [example ?? schema.enum?.[0] ?? '1', example ?? schema.enum?.[0] ?? '1'],
    ],
  ] as const)('%s is a 400 that names it', async (_what, valuesOf) => {
    let tried = 0;
    for (const { method, path, operation } of operations()) {
      for (const parameter of queryOf(operation)) {
        const values = valuesOf(parameter);
        if (values.length === 0) continue;
        const query = values.map((value) => `${parameter.name}=${encodeURIComponent(String(value))}`).join('&');
        const { statusCode, first } = await refused(requestOf(method, path, operation, query), operation);
        expect([path, statusCode, first.field]).toEqual([path, 400, parameter.name]);
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(30);
  });

  it('has no other beside it: an unknown name is a 400 that says which there are', async () => {
    for (const { method, path, operation } of operations()) {
      for (const name of ['unknown', 'exchange[]', '__proto__', 'toString', '\u0007']) {
        const query = `${encodeURIComponent(name)}=1`;
        const { statusCode, first } = await refused(requestOf(method, path, operation, query), operation);
        expect([path, name, statusCode]).toEqual([path, name, 400]);
        for (const known of queryOf(operation)) expect(first.expected).toContain(known.name);
      }
    }
  });
});

describe('every field of every body', () => {
  it('of another type is a 400 that names it', async () => {
    for (const { method, path, operation } of operations()) {
      if (operation.requestBody === undefined) continue;
      for (const name of Object.keys(bodyOf(operation, {}).properties)) {
        for (const value of [true, 1.5, [], {}, '', 'x'.repeat(200_000), '\u001b']) {
          const request = { method, url: path, payload: bodyOf(operation, { [name]: value }).body };
          // A control character within SQL is for the engine to refuse, and a flag is a flag.
          if ((name === 'sql' && value === '\u001b') || (name === 'dryRun' && value === true)) continue;
          const { statusCode, first } = await refused(request, operation);
          expect([path, name, value, statusCode, first.field]).toEqual([path, name, value, 400, name]);
        }
      }
      const { first } = await refused(
        { method, url: path, payload: bodyOf(operation, { unknown: 1 }).body },
        operation,
      );
      expect(first).toMatchObject({ field: 'unknown', value: 1 });
    }
  });

  it.each([
    ['that is none', '', 400, 'body'],
    ['that is no JSON', '{"sql":"SELECT 1"', 400, 'body'],
    ['that is an array', '[]', 400, 'body'],
    ['with a prototype', '{"__proto__":{}}', 400, 'body'],
    ['with a name twice', '{"sql":"SELECT 1","s\\u0071l":"SELECT 2"}', 400, 'sql'],
    ['beyond 1 MiB', `"${'x'.repeat(1_100_000)}"`, 413, 'Content-Length'],
  ] as const)('a body %s is named', async (_what, payload, status, field) => {
    for (const { method, path, operation } of operations()) {
      if (operation.requestBody === undefined) continue;
      const headers = { 'content-type': 'application/json' };
      const { statusCode, first } = await refused({ method, url: path, payload, headers }, operation);
      expect([path, statusCode, first.field]).toEqual([path, status, field]);
    }
  });

  it.each([
    ['content-type', 'text/plain', 'accept-post', 'application/json'],
    ['content-type', 'application/json; charset=utf-16', 'accept-post', 'application/json'],
    ['content-encoding', 'gzip', 'accept-encoding', 'identity'],
  ] as const)('%s %s is a 415 with %s', async (name, value, answer, expected) => {
    for (const { path, operation } of operations()) {
      if (operation.requestBody === undefined) continue;
      const headers = { 'content-type': 'application/json', [name]: value };
      const request: Request = { method: 'POST', url: path, payload: '{}', headers };
      const { statusCode, headers: answered, first } = await refused(request, operation);
      expect([path, statusCode, answered[answer]]).toEqual([path, 415, expected]);
      expect(first).toMatchObject({ field: expect.stringMatching(new RegExp(name, 'i')), value });
    }
  });
});

describe('every path', () => {
  it('answers its methods and HEAD where it has GET; any other is a 405 with Allow', async () => {
    for (const [path, methods] of Object.entries(paths)) {
      const own = Object.keys(methods).flatMap((method) =>
        method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()],
      );
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const) {
        if (own.includes(method)) continue;
        const { statusCode, headers, body } = await app.inject({ method, url: path });
        expect([path, method, statusCode, headers['allow']]).toEqual([path, method, 405, own.sort().join(', ')]);
        if (method !== 'HEAD') expect(JSON.parse(body).errors).toMatchObject([{ field: 'method', value: method }]);
      }
    }
  });

  it('answers HEAD as GET, in every format, without a body and without holding an answer', async () => {
    for (const { method, path, operation } of operations()) {
      if (method !== 'GET') continue;
      const format = operation.parameters?.find(({ name }) => name === 'format')?.schema.enum ?? [null];
      for (const url of format.map((one) => (one === null ? path : `${path}?format=${one}`))) {
        const got = await app.inject({ method: 'GET', url });
        const head = await app.inject({ method: 'HEAD', url });
        expect([url, head.statusCode, head.headers['content-type'], head.body]).toEqual([
          url,
          got.statusCode,
          got.headers['content-type'],
          '',
        ]);
      }
    }
  });

  it('that negotiates refuses what it has not, naming Accept or format', async () => {
    for (const { method, path, operation } of operations()) {
      if (operation.responses['406'] === undefined) continue;
      const request = { ...requestOf(method, path, operation), headers: { accept: 'image/png' } };
      const { statusCode, first } = await refused(request, operation);
      expect([path, statusCode, first]).toEqual([path, 406, expect.objectContaining({ field: 'Accept' })]);
    }
  });

  it('tells caches to keep nothing, whatever it answers', async () => {
    for (const { method, path, operation } of operations()) {
      for (const query of ['', 'unknown=1']) {
        const { headers } = await app.inject(requestOf(method, path, operation, query));
        expect([path, query, headers['cache-control']]).toEqual([path, query, 'no-store']);
      }
    }
  });
});
