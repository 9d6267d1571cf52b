import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { placed, quoteBatch, tradeBatch } from '@k2/testing/builders';
import { createApp } from '../app.ts';
import { FakePlatform } from '../test-support/fake-platform.ts';

type Json = Readonly<Record<string, unknown>>;
interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly description?: string;
    readonly schema?: Json;
  }[];
  readonly requestBody?: Json;
  readonly responses: Readonly<
    Record<
      string,
      {
        readonly description: string;
        readonly content: Readonly<Record<string, Json>>;
        readonly links?: Readonly<Record<string, { readonly operationId: string; readonly parameters: Json }>>;
      }
    >
  >;
}
interface Document {
  readonly openapi: string;
  readonly info: Json;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Json>>;
}

let app: NestFastifyApplication;
let document: Document;
let served: readonly string[];

beforeAll(async () => {
  const platform = new FakePlatform({ trades: placed(tradeBatch()), quotes: placed(quoteBatch()) });
  app = await createApp(platform.context());
  document = JSON.parse((await app.inject({ method: 'GET', url: '/openapi.json' })).body);
  served = await routesServed();
});
afterAll(() => app.close());

/** What answers: asked of the server itself, for every path and method that the document could have left out. */
async function routesServed(): Promise<readonly string[]> {
  const market = ['trades', 'quotes', 'bars', 'symbols', 'snapshots', 'gaps', 'stats', 'query', 'loads'];
  const operations = ['maintenance', 'maintenance/{id}'];
  const paths = [...market, ...operations].map((name) => `/v1/${name}`);
  const found: string[] = [];
  for (const path of [...paths, '/health/live', '/health/ready', '/metrics']) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const) {
      const { statusCode } = await app.inject({ method, url: path.replace('{id}', 'some-id') });
      if (statusCode !== 404 && statusCode !== 405) found.push(`${method.toLowerCase()} ${path}`);
    }
  }
  return found;
}

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  );

describe('the OpenAPI document', () => {
  it('is 3.1 and has every route that answers, and no other', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(
      operations()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...served].sort());
  });

  it('says of every route what it does, with a schema and an example of its answer', () => {
    for (const { name, operation } of operations()) {
      expect([name, operation.summary, operation.description]).toEqual([
        name,
        expect.stringMatching(/./),
        expect.stringMatching(/./),
      ]);
      const [first] = Object.values((operation.responses['200'] ?? operation.responses['202']).content);
      expect([name, first['schema'], first['example']]).toEqual([name, expect.anything(), expect.anything()]);
    }
  });

  it('has a problem with an example for everything that can be refused', () => {
    for (const { name, operation } of operations()) {
      const hasInput = (operation.parameters ?? []).length > 0 || operation.requestBody !== undefined;
      const problems = Object.entries(operation.responses).filter(([status]) => !status.startsWith('2'));
      if (hasInput) expect([name, problems.map(([status]) => status)]).toEqual([name, expect.arrayContaining(['400'])]);
      for (const [, { content }] of problems) {
        expect(Object.keys(content)).toEqual(['application/problem+json']);
        expect(Object.keys(content['application/problem+json']['examples'] as Json).length).toBeGreaterThan(0);
      }
    }
  });

  it('describes each parameter once, of the query or the path, with a schema', () => {
    const trades = document.paths['/v1/trades']['get'];
    expect(trades.parameters!.map(({ name }) => name).sort()).toEqual([
      'asOf',
      'cursor',
      'exchange',
      'fields',
      'format',
      'from',
      'limit',
      'order',
      'symbol',
      'to',
    ]);
    for (const { name, operation } of operations()) {
      for (const parameter of operation.parameters ?? []) {
        expect(parameter).toMatchObject({
          in: name.includes(`{${parameter.name}}`) ? 'path' : 'query',
          description: expect.stringMatching(/./),
          schema: { type: expect.anything() },
        });
      }
    }
    expect(trades.parameters!.find(({ name }) => name === 'symbol')!.schema).toMatchObject({
      type: 'array',
      items: { type: 'string' },
    });
  });

  it('leads to the next page of all that has a cursor: the same question with the cursor of the answer', () => {
    const paged = operations().filter(({ operation }) =>
      (operation.parameters ?? []).some(({ name }) => name === 'cursor'),
    );
    expect(paged.map(({ name }) => name)).toEqual(['get /v1/trades', 'get /v1/quotes', 'get /v1/bars']);
    for (const { operation } of paged) {
      const { operationId, parameters } = operation.responses['200'].links!['nextPage'];
      const names = operation.parameters!.map(({ name }) => name);
      const given = names.map((name) => [name, `$request.query.${name}`]);
      expect(operationId).toBe(operation.operationId);
      expect(parameters).toEqual({ ...Object.fromEntries(given), cursor: '$response.body#/nextCursor' });
    }
  });

  it('refers to nothing that it does not hold', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name]) => name,
    );
    expect(references.length).toBeGreaterThan(5);
    for (const name of references) expect(Object.keys(document.components['schemas'])).toContain(name);
  });

  it('has no keyword of OpenAPI 3.0 that 3.1 dropped', () => {
    expect(JSON.stringify(document)).not.toContain('"nullable"');
    expect(JSON.stringify(document)).not.toContain('"exclusiveMinimum":true');
  });
});

describe('the docs', () => {
  it('load everything from this server', async () => {
    const page = await app.inject({ method: 'GET', url: '/docs' });
    expect(page.statusCode).toBe(200);
    const urls = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url);
    expect(urls.length).toBeGreaterThan(3);
    for (const url of urls) {
      expect(url).not.toMatch(/^(?:https?:)?\/\//);
      const { statusCode } = await app.inject({ method: 'GET', url: new URL(url, 'http://localhost/docs').pathname });
      expect([url, statusCode]).toEqual([url, 200]);
    }
    const init = await app.inject({ method: 'GET', url: '/docs/swagger-ui-init.js' });
    expect(init.body).toContain('"validatorUrl": null');
    for (const other of ['package.json', '%70ackage.json', 'index.js', 'LICENSE', 'swagger-ui-bundle.js.map']) {
      const { statusCode } = await app.inject({ method: 'GET', url: `/docs/${other}` });
      expect([other, statusCode]).toEqual([other, 404]);
    }
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
  });
});
