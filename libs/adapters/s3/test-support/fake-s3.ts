import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with one request. */
export type Fault =
  /** Answered with an error, and not done. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly code?: string;
      readonly headers?: Headers;
      readonly xml?: string;
    }
  /** Done, and the connection cut before the answer. */
  | { readonly kind: 'lost-answer' }
  /** Done, and the connection cut after so many bytes of the body. */
  | { readonly kind: 'cut-body'; readonly afterBytes: number }
  /** Done, and nothing more after so many bytes of the body; the connection stays. */
  | { readonly kind: 'stalled-body'; readonly afterBytes: number }
  /** Done, and the body's first byte changed. */
  | { readonly kind: 'damaged-body' }
  /** Neither done nor answered. */
  | { readonly kind: 'silence' }
  /** Done once the promise resolves. */
  | { readonly kind: 'wait'; readonly until: Promise<unknown> };

export interface FakeRequest {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

interface Answer {
  readonly status: number;
  readonly headers?: Headers;
  readonly body?: Buffer | string;
}

type Headers = Readonly<Record<string, string>>;

interface FakeObject {
  readonly content: Buffer;
  readonly headers: Headers;
  readonly modified: Date;
}

/** An S3 server of one bucket, in memory, with faults on demand. It checks no signature. */
export class FakeS3 {
  static readonly bucket = 'fake-bucket';
  readonly objects = new Map<string, FakeObject>();
  /** Parts by upload id. */
  readonly uploads = new Map<string, FakeUpload>();
  readonly requests: FakeRequest[] = [];
  /** Asked for each request, in order of arrival. */
  fault: (request: FakeRequest) => Fault | undefined = () => undefined;
  honoursConditions = true;
  private readonly server: Server;

  static async start(): Promise<FakeS3> {
    const fake = new FakeS3();
    await new Promise<void>((resolve) => fake.server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  private constructor() {
    this.server = createServer((request, response) => {
      // Of requests that a client gave up, nothing is left to answer.
      this.handle(request, response).catch(() => request.socket.destroy());
    });
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The fault for the next requests that are meant, then none. */
  failNext(isMeant: (request: FakeRequest) => boolean, ...faults: readonly Fault[]): void {
    const left = [...faults];
    this.fault = (request) => (isMeant(request) ? left.shift() : undefined);
  }

  put(key: string, content: string, headers: Headers = {}): void {
    this.objects.set(key, { content: Buffer.from(content), headers, modified: new Date() });
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url!, 'http://fake');
    const [, bucket, ...names] = url.pathname.split('/').map(decodeURIComponent);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request: FakeRequest = {
      method: incoming.method!,
      key: names.join('/'),
      query: url.searchParams,
      headers: incoming.headers,
      body: Buffer.concat(chunks),
    };
    this.requests.push(request);
    const fault = this.fault(request);
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'wait') await fault.until;
    if (fault?.kind === 'status') {
      const body = fault.code === undefined ? '' : errorXml(fault.code, fault.xml);
      return respond(response, { status: fault.status, headers: fault.headers ?? {}, body });
    }
    const answer = bucket === FakeS3.bucket ? this.answer(request) : refusal(404, 'NoSuchBucket');
    if (fault?.kind === 'lost-answer') return void incoming.socket.destroy();
    respond(response, answer, fault);
  }

  private answer(request: FakeRequest): Answer {
    const { method, key, query } = request;
    if (key === '') return query.has('uploads') ? this.listUploads(query) : this.list(query);
    if (query.has('uploads') || query.has('uploadId')) return this.multipart(request);
    if (method === 'PUT') return this.putObject(request);
    if (method === 'DELETE') {
      this.objects.delete(key);
      return { status: 204 };
    }
    return this.getObject(request);
  }

  private putObject({ key, headers, body }: FakeRequest): Answer {
    if (this.isTaken(key, headers)) return refusal(412, 'PreconditionFailed');
    this.objects.set(key, { content: body, headers: kept(headers), modified: new Date() });
    return { status: 200, headers: { etag: etag(body) } };
  }

  private getObject({ method, key, headers }: FakeRequest): Answer {
    const object = this.objects.get(key);
    if (object === undefined) return method === 'HEAD' ? { status: 404 } : refusal(404, 'NoSuchKey');
    const { content } = object;
    const common = { ...object.headers, etag: etag(content), 'last-modified': object.modified.toUTCString() };
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '');
    if (method === 'HEAD') return { status: 200, headers: { ...common, 'content-length': String(content.length) } };
    if (range === null) return { status: 200, headers: common, body: content };
    const [start, end] = [Number(range[1]), Math.min(Number(range[2]), content.length - 1)];
    if (start >= content.length) return refusal(416, 'InvalidRange');
    const { 'x-amz-checksum-crc32': _, ...partial } = common as Record<string, string>;
    return {
      status: 206,
      headers: { ...partial, 'content-range': `bytes ${start}-${end}/${content.length}` },
      body: content.subarray(start, end + 1),
    };
  }

  private list(query: URLSearchParams): Answer {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? '';
    const found = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    const page = found.slice(0, 1_000);
    const entries = page.map((key) => {
      const { content, modified } = this.objects.get(key)!;
      return `<Contents><Key>${key}</Key><Size>${content.length}</Size><LastModified>${modified.toISOString()}</LastModified></Contents>`;
    });
    const isTruncated = found.length > page.length;
    const next = isTruncated ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    const body = `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${next}${entries.join('')}</ListBucketResult>`;
    return { status: 200, body };
  }

  private listUploads(query: URLSearchParams): Answer {
    const found = [...this.uploads].filter(([, { key }]) => key.startsWith(query.get('prefix') ?? ''));
    const entries = found.map(
      ([id, { key, initiated }]) =>
        `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${initiated.toISOString()}</Initiated></Upload>`,
    );
    return { status: 200, body: `<ListMultipartUploadsResult>${entries.join('')}</ListMultipartUploadsResult>` };
  }

  private multipart({ method, key, query, headers, body }: FakeRequest): Answer {
    if (query.has('uploads')) {
      const id = randomUUID();
      this.uploads.set(id, { key, parts: new Map(), headers: kept(headers), initiated: new Date() });
      return { status: 200, body: `<R><UploadId>${id}</UploadId></R>` };
    }
    const id = query.get('uploadId')!;
    const upload = this.uploads.get(id);
    if (upload === undefined) return refusal(404, 'NoSuchUpload');
    if (method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), body);
      return { status: 200, headers: { etag: etag(body) } };
    }
    if (method === 'DELETE') {
      this.uploads.delete(id);
      return { status: 204 };
    }
    if (this.isTaken(key, headers)) return refusal(412, 'PreconditionFailed');
    const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map(([, number]) => Number(number));
    const content = Buffer.concat(numbers.map((number) => upload.parts.get(number)!));
    this.objects.set(key, { content, headers: upload.headers, modified: new Date() });
    this.uploads.delete(id);
    return { status: 200, body: `<CompleteMultipartUploadResult><Key>${key}</Key></CompleteMultipartUploadResult>` };
  }

  private isTaken(key: string, headers: IncomingMessage['headers']): boolean {
    return this.honoursConditions && headers['if-none-match'] === '*' && this.objects.has(key);
  }
}

interface FakeUpload {
  readonly key: string;
  readonly parts: Map<number, Buffer>;
  readonly headers: Headers;
  readonly initiated: Date;
}

function respond(response: ServerResponse, { status, headers, body = '' }: Answer, fault?: Fault): void {
  const content = Buffer.from(body);
  response.writeHead(status, { 'content-length': content.length, ...headers });
  if (fault?.kind === 'cut-body') {
    response.write(content.subarray(0, fault.afterBytes), () => response.socket?.destroy());
    return;
  }
  if (fault?.kind === 'stalled-body') return void response.write(content.subarray(0, fault.afterBytes));
  if (fault?.kind === 'damaged-body') content[0] ^= 0xff;
  response.end(content);
}

/** Headers that come back with the object. */
function kept(headers: IncomingMessage['headers']): Headers {
  const names = Object.keys(headers).filter((name) => /^x-amz-(meta-|checksum-crc32$)/.test(name));
  return Object.fromEntries(names.map((name) => [name, String(headers[name])]));
}

function refusal(status: number, code: string): Answer {
  return { status, body: errorXml(code) };
}

function errorXml(code: string, more = ''): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>as the spec wants it</Message>${more}</Error>`;
}

function etag(content: Buffer): string {
  return `"${createHash('md5').update(content).digest('hex')}"`;
}
