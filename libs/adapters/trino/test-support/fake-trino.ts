import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** As JSON where it is no text. `nextUri: 'next'` becomes the address of the next page. */
  readonly body?: unknown;
}

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers requests one after the other, as told; one that is not told of is never answered. */
export class FakeTrino {
  url = '';
  readonly requests: FakeRequest[] = [];
  private readonly server: Server;
  private readonly answers: FakeAnswer[] = [];
  private wake: () => void = () => undefined;
  private pages = 0;

  static async start(): Promise<FakeTrino> {
    const fake = new FakeTrino();
    fake.server.listen(0, '127.0.0.1');
    await once(fake.server, 'listening');
    fake.url = `http://127.0.0.1:${(fake.server.address() as AddressInfo).port}`;
    return fake;
  }

  private constructor() {
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  will(...answers: readonly FakeAnswer[]): void {
    this.answers.push(...answers);
  }

  /** What was asked so far, in short: `GET /v1/page/1`. */
  get lines(): readonly string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }

  async untilAsked(line: string): Promise<void> {
    while (!this.lines.includes(line)) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url: path = '', headers } = request;
    this.requests.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
    this.wake();
    if (method === 'DELETE') {
      response.writeHead(204).end();
      return;
    }
    const answer = this.answers.shift();
    if (answer === undefined) return;
    const { status = 200, headers: told = {}, body = '' } = answer;
    response.writeHead(status, { 'content-type': 'application/json', ...told });
    response.end(typeof body === 'string' ? body : JSON.stringify(this.withNextUri(body as object)));
  }

  private withNextUri(body: object): object {
    if (!('nextUri' in body) || body.nextUri !== 'next') return body;
    return { ...body, nextUri: `${this.url}/v1/page/${++this.pages}` };
  }
}

/** A page of the answer, with another one behind it. */
export function page(columns: readonly string[], data: readonly (readonly unknown[])[] = []): FakeAnswer {
  return { body: { id: 'q1', columns: columns.map((name) => ({ name, type: 'varchar' })), data, nextUri: 'next' } };
}

/** The answer is not ready yet. */
export const QUEUED: FakeAnswer = { body: { id: 'q1', nextUri: 'next' } };
export const END: FakeAnswer = { body: { id: 'q1' } };
