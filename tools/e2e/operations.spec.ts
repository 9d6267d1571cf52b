import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { scenario, withLogs } from './scenario.ts';
import { ServerUnderTest } from './server-under-test.ts';

describe('what a person in charge of a server looks at', () => {
  let server: ServerUnderTest;
  beforeAll(
    withLogs(async () => {
      server = await ServerUnderTest.start({ feed: 'simulator:ticks=2000,rate=max' });
      await server.drained();
    }),
    60_000,
  );
  afterAll(async () => {
    await server.stop();
  }, 30_000);

  scenario('/health says that it lives and that it is ready', async () => {
    expect(await server.json('/health/live')).toEqual({ status: 'live' });
    const { status, roles, dependencies } = await server.json<{
      readonly status: string;
      readonly roles: object;
      readonly dependencies: readonly { readonly name: string }[];
    }>('/health/ready');
    expect([status, roles]).toEqual(['ready', { ingest: 'works', sink: 'works', api: 'works', maintain: 'works' }]);
    expect(dependencies.map(({ name }) => name).sort()).toEqual(['catalog', 'disk', 'engine', 'log', 'objects']);
  });

  scenario('/metrics is text that Prometheus reads, with metrics of K2', async () => {
    const response = await server.get('/metrics');
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const sample = /^[a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? (?:[-+]?[\d.e+-]+|NaN|[+-]Inf)$/;
    expect(lines.filter((line) => !sample.test(line))).toEqual([]);
    expect(lines.map((line) => /^\w+/.exec(line)![0])).toEqual(
      expect.arrayContaining(['k2_commit_ms_count', 'k2_http_requests_total', 'k2_process_rss_bytes']),
    );
  });

  scenario('/docs is a page that loads nothing from elsewhere', async () => {
    const page = await server.get('/docs');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    const html = await page.text();
    const references = Array.from(
      html.matchAll(/<(?:script|link|img|iframe)[^>]*?\b(?:src|href)="([^"]*)"/g),
      ([, to]) => to!,
    );
    expect(references.length).toBeGreaterThan(2);
    for (const reference of references) {
      const url = new URL(reference, `${server.url}/docs`);
      expect(url.origin).toBe(server.url);
      const { status, body } = await fetch(url);
      await body?.cancel();
      expect([reference, status]).toEqual([reference, 200]);
    }
  });

  scenario('/openapi.json is OpenAPI 3.1 and names what there is', async () => {
    const document = await server.json<{ openapi: string; paths: Record<string, object> }>('/openapi.json');
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/v1/trades', '/v1/quotes', '/v1/bars', '/v1/symbols', '/v1/query', '/v1/gaps']),
    );
  });

  scenario('logs are JSON lines that carry the correlation id of the caller', async () => {
    const own = await ServerUnderTest.start();
    const response = await own.get('/v1/stats', { headers: { 'x-correlation-id': 'call-42' } });
    expect(response.headers.get('x-correlation-id')).toBe('call-42');
    const { stderr } = await own.stop();
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(lines).toContainEqual(
      expect.objectContaining({ route: '/v1/stats', status: 200, correlationId: 'call-42' }),
    );
  });
});
