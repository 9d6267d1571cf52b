import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeRequest {
  readonly method: string;
  readonly url: URL;
  readonly accept: string;
  readonly body: string;
}

export interface FakeServer {
  readonly url: string;
  readonly requests: FakeRequest[];
  close(): Promise<void>;
}

/** An HTTP server on loopback that answers by the function given. */
export async function startFakeServer(
  answer: (request: FakeRequest, response: ServerResponse) => void,
): Promise<FakeServer> {
  const requests: FakeRequest[] = [];
  const server = createServer((message, response) => {
    void read(message).then((request) => {
      requests.push(request);
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function read(message: IncomingMessage): Promise<FakeRequest> {
  let body = '';
  for await (const chunk of message) body += String(chunk);
  const url = new URL(message.url!, 'http://fake');
  return { method: message.method!, url, accept: message.headers.accept ?? '', body };
}

export function sendNdjson(
  response: ServerResponse,
  rows: readonly unknown[],
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson', ...headers });
  response.end(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
