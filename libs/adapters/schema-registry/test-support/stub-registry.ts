import { createServer as createHttp, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';

export interface StubAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface StubRequest {
  /** `GET /subjects`. */
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A server that answers as told; `null` leaves the question unanswered, `'reset'` breaks the connection. */
export class StubRegistry {
  readonly requests: StubRequest[] = [];
  private readonly server: Server;

  static async start(
    answer: (request: StubRequest, count: number) => StubAnswer | null | 'reset',
    tls?: { readonly key: string; readonly cert: string },
  ): Promise<StubRegistry> {
    const stub = new StubRegistry(answer, tls);
    await new Promise<void>((resolve) => stub.server.listen(0, '127.0.0.1', resolve));
    return stub;
  }

  private constructor(
    answer: (request: StubRequest, count: number) => StubAnswer | null | 'reset',
    tls: { readonly key: string; readonly cert: string } | undefined,
  ) {
    this.server = tls === undefined ? createHttp() : createHttps(tls);
    this.server.on('request', (incoming, response) => {
      void text(incoming).then((body) => {
        const request = { line: `${incoming.method} ${incoming.url}`, headers: incoming.headers, body };
        this.requests.push(request);
        const told = answer(request, this.requests.length);
        if (told === 'reset') incoming.socket.destroy();
        else if (told !== null) {
          response.writeHead(told.status);
          response.end(typeof told.body === 'string' ? told.body : JSON.stringify(told.body));
        }
      });
    });
  }

  /** `127.0.0.1:PORT`. */
  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
