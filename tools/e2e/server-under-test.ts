import { BuiltProcess, type Ended } from './built-process.ts';
import { scratchDirectory, until } from './scenario.ts';

const PROGRAM = 'apps/server/dist/main.js';
const START_TIMEOUT_MS = 20_000;
/** Scenarios wait for commits often; K2's own default is tried where a scenario says so. */
const SOON = { K2_FLUSH_INTERVAL_MS: '100' };
const STOP_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 40_000;

export interface ServerOptions {
  /** A new directory where absent; null passes none. */
  readonly data?: string | null;
  readonly feed?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the server to its end: for starts that are to be refused. */
export function runServer(flags: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new BuiltProcess(PROGRAM, flags, env).endWithin(START_TIMEOUT_MS);
}

/** The built server on a free port. */
export class ServerUnderTest {
  readonly data: string;
  readonly url: string;
  private readonly process: BuiltProcess;

  /** Resolves when it has greeted with its URL. */
  static async start({ data, feed = 'none', flags = [], env = {} }: ServerOptions = {}): Promise<ServerUnderTest> {
    const directory = data === undefined ? scratchDirectory() : (data ?? '');
    const place = directory === '' ? [] : ['--data', directory];
    const port = env['K2_PORT'] === undefined ? ['--port', '0'] : [];
    return ServerUnderTest.of(
      new BuiltProcess(PROGRAM, [...place, ...port, '--feed', feed, ...flags], { ...SOON, ...env }),
      directory,
    );
  }

  /** The server that a process is going to be. */
  static async of(process: BuiltProcess, data: string): Promise<ServerUnderTest> {
    const greeted = async () => {
      if (!process.isRunning) throw new Error(`the server ended before it greeted: ${process.stderr}`);
      return /http:\/\/[\d.]+:\d+/.exec(process.stdout)?.[0];
    };
    const url = await until('a greeting of the server', greeted, (found) => found !== undefined, START_TIMEOUT_MS);
    return new ServerUnderTest(data, url!, process);
  }

  private constructor(data: string, url: string, process: BuiltProcess) {
    this.data = data;
    this.url = url;
    this.process = process;
  }

  get pid(): number {
    return this.process.pid;
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS), ...init });
  }

  post(path: string, body: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return this.get(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** Throws where the answer is not a 200. */
  async json<Body>(path: string): Promise<Body> {
    return (await succeeded(path, await this.get(path)).then((response) => response.json())) as Body;
  }

  /** Rows of `POST /v1/query`. */
  async sql<Row = Readonly<Record<string, unknown>>>(sql: string, asOf?: string): Promise<readonly Row[]> {
    const response = await this.post('/v1/query', { sql, ...(asOf !== undefined && { asOf }) });
    return ((await (await succeeded(sql, response)).json()) as { data: readonly Row[] }).data;
  }

  stats(): Promise<Stats> {
    return this.json<Stats>('/v1/stats');
  }

  /** Until the feeds have said all they have, and all of it is in the tables. */
  drained(): Promise<Stats> {
    const isOver = ({ feeds, log }: Stats) => feeds.every(({ state }) => state === 'finished') && log.lagRecords === 0;
    return until('the end of the feeds and of the log', () => this.stats(), isOver, 40_000);
  }

  /** As Ctrl-C does. */
  stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Ended> {
    this.process.signal(signal);
    return this.process.endWithin(STOP_TIMEOUT_MS);
  }

  kill(): Promise<void> {
    return this.process.kill();
  }
}

async function succeeded(what: string, response: Response): Promise<Response> {
  if (response.status !== 200) throw new Error(`${what} is answered ${response.status}: ${await response.text()}`);
  return response;
}

export interface Stats {
  readonly tables: readonly { readonly table: string; readonly rowCount: number }[];
  readonly log: { readonly lagRecords: number };
  readonly feeds: readonly {
    readonly state: string;
    readonly acknowledgedTicks: number;
  }[];
}

/** A page of `/v1/trades` or `/v1/quotes`. */
export interface TickPage {
  readonly data: readonly Readonly<Record<string, unknown>>[];
  readonly completeness: {
    readonly status: 'complete' | 'gaps' | 'removed' | 'unverifiable';
    readonly gaps?: readonly Readonly<Record<string, unknown>>[];
  };
  readonly snapshotId: string | null;
  readonly nextCursor: string | null;
}

export interface Problem {
  readonly type: string;
  readonly status: number;
  readonly detail: string;
  readonly correlationId: string;
  readonly errors: readonly { readonly field: string; readonly value: unknown; readonly expected: string }[];
}
