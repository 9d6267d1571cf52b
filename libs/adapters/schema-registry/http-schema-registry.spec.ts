import { afterEach, describe, expect, it } from '@jest/globals';
import { TEST_CA_CERTIFICATE, TEST_SERVER } from '@k2/testing/certificates';
import { HttpSchemaRegistry, type HttpSchemaRegistryOptions } from './http-schema-registry.ts';
import { StubRegistry, type StubAnswer, type StubRequest } from './test-support/stub-registry.ts';
import { systemPorts } from './test-support/system-ports.ts';

const ok = (body: unknown): StubAnswer => ({ status: 200, body });
const failed = (status: number, errorCode: number, message = ''): StubAnswer => ({
  status,
  body: { error_code: errorCode, message },
});
const schema = '{"type":"record","name":"Trade","fields":[{"name":"price","type":"long"}]}';
const tls = { key: TEST_SERVER.key, cert: TEST_SERVER.certificate };

let open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open) await each.close();
  open = [];
});

type Answer = (request: StubRequest, count: number) => StubAnswer | null | 'reset';

async function serve(answer: Answer, secure = false): Promise<StubRegistry> {
  const stub = await StubRegistry.start(answer, secure ? tls : undefined);
  open.push({ close: () => stub.stop() });
  return stub;
}

function ask(stub: StubRegistry, options: Partial<HttpSchemaRegistryOptions> = {}): HttpSchemaRegistry {
  const registry = new HttpSchemaRegistry({ url: `http://${stub.host}`, retryDelayMs: 1, ...systemPorts, ...options });
  open.unshift(registry);
  return registry;
}

describe('HttpSchemaRegistry', () => {
  it('asks once for a schema, however many want it, and keeps it', async () => {
    const stub = await serve(() => ok({ schema }));
    const registry = ask(stub);
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => registry.schemaById(7))))).toEqual(
      new Set([schema]),
    );
    expect(await registry.schemaById(7)).toBe(schema);
    expect(stub.requests.map(({ line }) => line)).toEqual(['GET /schemas/ids/7']);
  });

  it('does not keep a failure', async () => {
    const stub = await serve((_, count) => (count === 1 ? failed(503, 50302) : ok({ schema })));
    const registry = ask(stub, { attemptsMax: 1 });
    await expect(registry.schemaById(7)).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
    expect(await registry.schemaById(7)).toBe(schema);
  });

  it('keeps as many schemas as are allowed', async () => {
    const stub = await serve(() => ok({ schema }));
    const registry = ask(stub, { schemasMax: 2 });
    for (const id of [1, 2, 1, 3, 1, 2]) await registry.schemaById(id);
    expect(stub.requests.map(({ line }) => line.at(-1)).join('')).toBe('1232');
  });

  it('does not ask again at once for an id that nobody knows: bad records come in streams', async () => {
    let nowUs = 0;
    const stub = await serve((_, count) => (count === 1 ? failed(404, 40403, 'no such schema') : ok({ schema })));
    const registry = ask(stub, { unknownForMs: 1_000, clock: { nowUs: () => 0, monotonicUs: () => nowUs } });
    for (let i = 0; i < 100; i++) {
      await expect(registry.schemaById(7)).rejects.toMatchObject({ kind: 'unknown-schema', context: { schemaId: 7 } });
    }
    expect(stub.requests).toHaveLength(1);
    nowUs = 1_000_000;
    expect(await registry.schemaById(7)).toBe(schema);
  });

  it('repeats what a registry in trouble did not answer, and gives up after a few attempts', async () => {
    const troubled = await serve((_, count) =>
      count === 1 ? 'reset' : count === 2 ? failed(500, 50001) : ok({ id: 3 }),
    );
    expect(await ask(troubled).register('trades-value', schema)).toBe(3);

    const broken = await serve(() => failed(503, 50302, 'leader is gone'));
    await expect(ask(broken, { attemptsMax: 3 }).latest('trades-value')).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: true,
      message: expect.stringContaining('leader is gone'),
      context: { url: `http://${broken.host}`, status: 503 },
    });
    expect(broken.requests).toHaveLength(3);
  });

  it('does not wait for a registry that is not there, or does not answer', async () => {
    const silent = await serve(() => null);
    await expect(ask(silent, { requestTimeoutMs: 20, attemptsMax: 2 }).subjects()).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: true,
      message: expect.stringContaining('within 20 ms'),
    });
    expect(silent.requests).toHaveLength(2);

    const gone = ask(silent);
    await silent.stop();
    await expect(gone.subjects()).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
  });

  it.each([401, 403])('says which registry refused us with %d, without asking again', async (status) => {
    const stub = await serve(() => ({ status, body: 'Forbidden' }));
    await expect(ask(stub).subjects()).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: false,
      message: expect.stringContaining(`http://${stub.host}`),
      context: { status },
    });
    expect(stub.requests).toHaveLength(1);
  });

  it('shows who we are, by option or by URL, and never shows a password', async () => {
    const stub = await serve(() => ({ status: 403, body: {} }));
    const basic = `Basic ${Buffer.from('k2:s3cret@').toString('base64')}`;
    const registries = [
      ask(stub, { auth: { kind: 'basic', username: 'k2', password: 's3cret@' } }),
      ask(stub, { url: `http://k2:s3cret%40@${stub.host}/` }),
      ask(stub, { auth: { kind: 'bearer', token: 't0ken' } }),
    ];
    for (const registry of registries) {
      const error = await registry.subjects().catch((reason: unknown) => reason as Error);
      expect(error).toBeInstanceOf(Error);
      expect(JSON.stringify(error) + (error as Error).message).not.toMatch(/s3cret|t0ken/);
    }
    expect(stub.requests.map(({ headers }) => headers.authorization)).toEqual([basic, basic, 'Bearer t0ken']);
  });

  it.each([
    ['a page of a proxy', { status: 200, body: '<html>Sign in</html>' }],
    ['a path that no registry has', { status: 404, body: '' }],
    ['being sent elsewhere', { status: 302, body: '' }],
  ])('takes %s for what it is, not for an unknown subject', async (_, answer) => {
    const stub = await serve(() => answer);
    await expect(ask(stub).latest('trades-value')).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: false,
      message: expect.stringContaining('is this the URL of a schema registry?'),
    });
  });

  it('keeps the path of its URL, and escapes subjects', async () => {
    const stub = await serve(() => failed(404, 40401));
    const registry = ask(stub, { url: `http://${stub.host}/apis/ccompat/v7/` });
    await expect(registry.latest('a/b c?')).rejects.toMatchObject({ kind: 'unknown-subject' });
    expect(stub.requests[0].line).toBe('GET /apis/ccompat/v7/subjects/a%2Fb%20c%3F/versions/latest');
  });

  it.each([
    [
      'Confluent',
      `Schema being registered is incompatible with an earlier schema for subject "s", details: [{errorType:"A", ` +
        `description:"The field 'fee' at path '/fields/1' has no default", additionalInfo:"fee"}, {oldSchemaVersion: 1}]`,
      ["The field 'fee' at path '/fields/1' has no default"],
    ],
    [
      'Apicurio',
      'Incompatible artifact: s [AVRO], list of diff types: [fee at /fields/1, fee at /fields/1]',
      ['fee at /fields/1'],
    ],
    ['another', 'no', ['no']],
  ])('gives the reasons of %s where its own comparison finds none', async (_, message, reasons) => {
    const stub = await serve(({ line }) => (line.startsWith('POST') ? failed(409, 409, message) : ok([])));
    await expect(ask(stub).register('s', schema)).rejects.toMatchObject({
      kind: 'incompatible',
      retryable: false,
      context: { subject: 's', reasons },
    });
  });

  it('trusts the CA that it is told to, and only certificates that it trusts', async () => {
    const stub = await serve(() => ok(['a']), true);
    const url = `https://${stub.host}`;
    expect(await ask(stub, { url, caCertificates: TEST_CA_CERTIFICATE }).subjects()).toEqual(['a']);
    await expect(ask(stub, { url }).subjects()).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: false,
      message: expect.stringContaining('not trusted'),
    });
  });

  it('bounds the requests at a time', async () => {
    const stub = await serve(() => null);
    const registry = ask(stub, { requestsMax: 2, requestTimeoutMs: 50, attemptsMax: 1 });
    const waiting = [registry.subjects(), registry.subjects()];
    await expect(registry.subjects()).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: true,
      message: expect.stringContaining('2 of our requests'),
    });
    for (const each of waiting) await expect(each).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('sets a rule again that somebody else makes at the same moment, and gives up when it never ends', async () => {
    const conflict = failed(409, 40902, "A rule named 'COMPATIBILITY' already exists.");
    const racing = await serve((_, count) => (count <= 2 ? conflict : ok({ compatibility: 'BACKWARD_TRANSITIVE' })));
    await ask(racing).enforceCompatibility('trades-value');
    expect(racing.requests.map(({ line }) => line)).toEqual(Array(3).fill('PUT /config/trades-value'));

    const refusing = await serve(() => conflict);
    await expect(ask(refusing).enforceCompatibility('trades-value')).rejects.toThrow('409');
  });

  it('answers nobody once it was closed, who is waiting included', async () => {
    const stub = await serve(() => null);
    const registry = ask(stub);
    const waiting = expect(registry.subjects()).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
    await registry.close();
    await waiting;
    await expect(registry.subjects()).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
  });

  it('wants a URL', () => {
    expect(() => new HttpSchemaRegistry({ url: 'registry:8081', ...systemPorts })).toThrow('expected http://');
  });
});
