import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { placed, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { createApp } from './app.ts';
import { FakePlatform } from './test-support/fake-platform.ts';

interface Schema {
  readonly type: 'string' | 'integer' | 'array';
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Schema;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: { readonly $ref: string } }>> };
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, { readonly properties: Readonly<Record<string, unknown>> }>>;
  };
}

let app: NestFastifyApplication;
let document: Document;

beforeAll(async () => {
  const platform = new FakePlatform({ trades: placed(tradeBatch()), quotes: placed(quoteBatch()) });
  app = await createApp(platform.context());
  document = JSON.parse((await app.inject({ method: 'GET', url: '/openapi.json' })).body);
});
afterAll(() => app.close());

const ODD_TEXTS = [
  '',
  ' ',
  '0',
  '-1',
  '1.5',
  '1e400',
  '00001',
  '9223372036854775808',
  '9'.repeat(19),
  '9'.repeat(40),
  'null',
  'NaN',
  'Infinity',
  'true',
  '[]',
  '{}',
  '__proto__',
  'constructor',
  'a,b',
  ',',
  ',,',
  '0001-01-01',
  '1969-12-31T23:59:59.999999Z',
  '2255-06-05T23:47:34.740992Z',
  '9999-12-31T23:59:59.999999Z',
  '9999-12-31T23:59:59-99:59',
  '2023-02-30',
  '2024-01-01T24:00:00Z',
  '\u200b',
  '\u{1f600}',
  "'; DROP TABLE trades; --",
  '../../etc/passwd',
  'x'.repeat(5_000),
  '5b5d',
  Buffer.from('[1e308,0,"","","",0,""]').toString('hex'),
  Buffer.from('bars-9999999999999999-1000000-0000000000000000').toString('hex'),
];

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const ODD_JSON = [
  'null',
  'true',
  '0',
  '-0',
  '-1',
  '1.5',
  '1e3',
  '1e400',
  '99999999999999999999',
  '""',
  '" "',
  '"\\u0000"',
  '"\\ud800"',
  '[]',
  '["SELECT 1"]',
  '{}',
  '{"__proto__":{}}',
  '{"constructor":{"prototype":{}}}',
  deep(30),
  deep(33),
  deep(100_000),
  `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  `"${'x'.repeat(200_000)}"`,
  'NaN',
];

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
const queryOf = ({ parameters = [] }: Operation) => parameters.filter((parameter) => parameter.in === 'query');

/** Odd is answered, or refused with problem details; it breaks nothing. */
function expectNoFailure(what: string, { statusCode, body }: { statusCode: number; body: string }): void {
  expect([what, statusCode < 500]).toEqual([what, true]);
  if (statusCode >= 400) expect(JSON.parse(body)).toMatchObject({ type: expect.stringMatching(/^urn:k2:problem:/) });
}

/** A query parameter's text against its schema. */
function matches(schema: Schema, text: string): boolean {
  const { type, minimum = -Infinity, maximum = Infinity, maxLength = Infinity } = schema;
  if (type === 'array') return text.split(',').every((entry) => entry !== '' && matches(schema.items!, entry));
  if (type === 'integer') return /^[0-9]+$/.test(text) && Number(text) >= minimum && Number(text) <= maximum;
  const isLong = [...text].length > maxLength;
  const isOther = schema.enum !== undefined && !schema.enum.includes(text);
  return !isLong && !isOther && (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(text));
}

describe('odd input', () => {
  it('in any parameter of any route is answered or refused, and never a failure of the server', async () => {
    let tried = 0;
    for (const { method, path, operation } of operations()) {
      if (method !== 'get') continue;
      for (const { name } of queryOf(operation)) {
        for (const text of ODD_TEXTS) {
          const url = `${path}?${name}=${encodeURIComponent(text)}`;
          expectNoFailure(url, await app.inject({ method: 'GET', url }));
          tried++;
        }
      }
    }
    expect(tried).toBeGreaterThan(1_000);
  }, 60_000);

  it('is refused exactly where the OpenAPI document says that it does not fit', async () => {
    const fit = ['AAAA', 'a b', '1', '10', '5m', '7d', '8d', '604800s', '604801s', 'csv', 'trades', 'price', 'side'];
    const times = [
      '2024-02-29',
      '2023-02-29',
      '2000-02-29',
      '1900-02-29',
      '2024-04-31',
      '2024-01-31T23:59',
      '2024-1-1',
    ];
    const zones = ['2024-01-01 00:00:00.123456+10:00', '2024-01-01T00:00:00.1234567Z', '2024-01-01T00:00:00z'];
    for (const { method, path, operation } of operations()) {
      for (const { name, schema } of method === 'get' ? queryOf(operation) : []) {
        for (const text of [...ODD_TEXTS, ...fit, ...times, ...zones, '\u{1f600}'.repeat(64), '\u{1f600}'.repeat(65)]) {
          const isDescribed = matches(schema, text);
          const { body } = await app.inject({ method: 'GET', url: `${path}?${name}=${encodeURIComponent(text)}` });
          const isRefused = body.includes('urn:k2:problem:invalid-request');
          expect([path, name, text, isRefused]).toEqual([path, name, text, !isDescribed]);
        }
      }
    }
  }, 60_000);

  it('in any field of any body is answered or refused, and never a failure of the server', async () => {
    let tried = 0;
    for (const { method, path, operation } of operations()) {
      if (method !== 'post') continue;
      const { $ref } = operation.requestBody!.content['application/json'].schema;
      const fields = Object.keys(document.components.schemas[$ref.split('/').at(-1)!].properties);
      for (const field of [...fields, '__proto__', 'constructor', 'unknown']) {
        for (const json of ODD_JSON) {
          for (const payload of [
            `{"${field}":${json}}`,
            `{"sql":"SELECT 1","feed":"asx:/x","${field}":${json}}`,
            json,
          ]) {
            const answer = await app.inject({
              method: 'POST',
              url: path,
              payload,
              headers: { 'content-type': 'application/json' },
            });
            expectNoFailure(`${path} ${payload.slice(0, 80)}`, answer);
            tried++;
          }
        }
      }
    }
    expect(tried).toBeGreaterThan(500);
  }, 60_000);

  it('at the far ends of time finds what there is', async () => {
    const rows = async (query: string) =>
      JSON.parse((await app.inject({ method: 'GET', url: `/v1/trades?${query}` })).body).data.length as number;
    expect(await rows('from=0001-01-01&to=9999-12-31')).toBe(await rows(''));
    expect(await rows('from=9999-12-30&to=9999-12-31')).toBe(0);
    expect(await rows('from=0001-01-01&to=0001-01-02')).toBe(0);
    expect(await rows('asOf=9999-12-31')).toBe(await rows(''));
    const { statusCode } = await app.inject({ method: 'GET', url: '/v1/trades?asOf=1970-01-01' });
    expect(statusCode).toBe(404);
  });
});
