import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { CliError, EXIT, type ExitCode } from '../exit-codes.ts';
import { sendRequest, type RequestToSend } from './send-request.ts';

export type QueryParameters = Readonly<Record<string, string | number | readonly string[]>>;

export interface RowsResponse {
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Error body of the API (RFC 9457). */
interface Problem {
  readonly title?: string;
  readonly detail?: string;
}

const NDJSON = 'application/x-ndjson';
const JSON_TYPE = 'application/json';
/** Of an error body; more than that is no problem document. */
const PROBLEM_CHARS_MAX = 10_000;

/** Requests to the API whose answers are lines of JSON. Failures are CliErrors with the exit code to end in. */
export class HttpClient {
  private readonly url: string;
  private readonly signal: AbortSignal;

  constructor(url: string, signal: AbortSignal) {
    this.url = url;
    this.signal = signal;
  }

  getRows(path: string, parameters: QueryParameters): Promise<RowsResponse> {
    return this.get(path, parameters, NDJSON);
  }

  /** One small JSON document. */
  async getJson<Document>(path: string, parameters: QueryParameters): Promise<Document> {
    return documentIn(await this.get(path, parameters, JSON_TYPE));
  }

  async postJson<Document>(path: string, body: unknown): Promise<Document> {
    return documentIn(await this.post(path, body, JSON_TYPE));
  }

  async delete<Document>(path: string): Promise<Document> {
    const request = { method: 'DELETE', headers: { accept: JSON_TYPE } } as const;
    return documentIn(await this.request(new URL(path, this.url), request));
  }

  private get(path: string, parameters: QueryParameters, accept: string): Promise<RowsResponse> {
    const url = new URL(path, this.url);
    for (const [name, value] of Object.entries(parameters)) {
      if (typeof value === 'object') for (const one of value) url.searchParams.append(name, one);
      else url.searchParams.set(name, String(value));
    }
    return this.request(url, { method: 'GET', headers: { accept } });
  }

  postRows(path: string, body: unknown): Promise<RowsResponse> {
    return this.post(path, body, NDJSON);
  }

  private post(path: string, body: unknown, accept: string): Promise<RowsResponse> {
    return this.request(new URL(path, this.url), {
      method: 'POST',
      headers: { accept, 'content-type': JSON_TYPE },
      body: JSON.stringify(body),
    });
  }

  private async request(url: URL, request: RequestToSend): Promise<RowsResponse> {
    let response: IncomingMessage;
    try {
      response = await sendRequest(url, request, this.signal);
    } catch (error) {
      throw this.unreachable(error);
    }
    const body = this.chunks(response);
    const status = response.statusCode!;
    if (status < 200 || status > 299) throw await this.refused(response, body);
    return { headers: response.headers, body };
  }

  private async *chunks(response: IncomingMessage): AsyncGenerator<Uint8Array> {
    try {
      yield* response;
    } catch (error) {
      throw this.unreachable(error, 'broke off its answer');
    }
  }

  private unreachable(error: unknown, what = 'does not answer'): Error {
    this.signal.throwIfAborted();
    return new CliError(`the server at ${this.url} ${what} (${reasonOf(error)})`, EXIT.unreachable, { cause: error });
  }

  private async refused(response: IncomingMessage, body: AsyncIterable<Uint8Array>): Promise<CliError> {
    const { statusCode: status = 0, statusMessage = '', headers } = response;
    const text = await textOf(body, PROBLEM_CHARS_MAX);
    const { title, detail } = parseProblem(text);
    const elsewhere = headers.location === undefined ? '' : `, and points to ${headers.location}`;
    const message = detail ?? title ?? `the server at ${this.url} answered ${status} ${statusMessage}${elsewhere}`;
    return new CliError(message, exitCodeOf(status), { cause: text });
  }
}

/** The whole body, or what of it comes until it is longer than that; the rest is not read. */
async function textOf(body: AsyncIterable<Uint8Array>, charsMax = Infinity): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > charsMax) return text.slice(0, charsMax);
  }
  return text + decoder.decode();
}

/** A name of several addresses fails once for each, and the error of them all has no words. */
function reasonOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message : String(first);
}

async function documentIn<Document>({ body }: RowsResponse): Promise<Document> {
  return JSON.parse(await textOf(body)) as Document;
}

function parseProblem(text: string): Problem {
  try {
    return (JSON.parse(text) ?? {}) as Problem;
  } catch {
    // Not of our API: a proxy's page, say. The status line has to do.
    return {};
  }
}

/** Locked, overloaded, unavailable: the server's state, not the question's fault. */
const UNREACHABLE_STATUSES: readonly number[] = [423, 429, 502, 503, 504];

/** What a command ends in that got a problem of this status. */
export function exitCodeOf(status: number): ExitCode {
  return UNREACHABLE_STATUSES.includes(status) ? EXIT.unreachable : EXIT.failed;
}
