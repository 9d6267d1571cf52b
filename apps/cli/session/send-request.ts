import type { IncomingMessage } from 'node:http';

export interface RequestToSend {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A server that says nothing for so long is taken for dead; K2's own deadlines are shorter. */
const SILENCE_MS_MAX = 300_000;

/** Resolves with the answer once its headers are here; its body may still break off. */
export function sendRequest(
  url: URL,
  { method, headers, body }: RequestToSend,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  // As an `import`, either module brings Node's whole `fetch` along, because it exports WebSocket: that takes longer to load
  // than everything else a question needs. For the same reason `fetch` is not used.
  const { request } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
  return new Promise((resolve, reject) => {
    // A connection for each request: a kept one may be closed by the server just as the next request goes out.
    const sent = request(url, { method, headers, signal, agent: false, timeout: SILENCE_MS_MAX });
    let answering: IncomingMessage | null = null;
    sent.on('response', (response) => resolve((answering = response)));
    sent.on('timeout', () => (answering ?? sent).destroy(new Error(`nothing came for ${SILENCE_MS_MAX / 1_000} s`)));
    sent.on('error', reject);
    sent.end(body);
  });
}
