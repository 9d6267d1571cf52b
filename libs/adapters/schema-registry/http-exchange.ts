import { request as requestHttp, type Agent, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface HttpExchange {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Holds the connections and, for https, whom to trust. */
  readonly agent: Agent;
  readonly signal: AbortSignal;
  /** A longer answer fails the exchange. */
  readonly answerBytesMax: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** One request and its answer, whatever its status; rejects if there is none. `fetch` could not be given a CA. */
export async function exchange(url: URL, options: HttpExchange): Promise<HttpAnswer> {
  const response = await respond(url, options);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > options.answerBytesMax) throw new Error(`the answer has more than ${options.answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') };
}

function respond(url: URL, { method, headers, body, agent, signal }: HttpExchange): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent, signal });
    sent.once('response', resolve);
    // Stays on: a connection that breaks later reports here too, and the reading of the body has its own error.
    sent.on('error', reject);
    sent.end(body ?? undefined);
  });
}
