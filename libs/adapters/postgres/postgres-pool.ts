import pg from 'pg';
import { PortError, type Telemetry } from '@k2/ports';
import { connectionConfig, serverName, type PostgresTarget } from './connection-config.ts';
import { unavailable, wasEndedByConcurrency } from './postgres-failure.ts';
import type { PostgresLimits } from './postgres-options.ts';

/** Runs one statement; BIGINT arrives as text. */
export type Query = <Row extends object>(text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** Runs of a transaction that the server ends for a deadlock or a serialization failure. */
const ATTEMPTS_MAX = 3;

/** Whatever the server's and the role's defaults are. */
const BEGIN = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE';

/**
 * The server must not end a COMMIT that waits for a synchronous standby: it would then say that all is well although
 * only one server has the commit. The wait is bounded on this side, as an unknown outcome.
 */
const COMMIT = 'SET LOCAL statement_timeout = 0; COMMIT';

/** A session acknowledges no commit that a crash of the server could lose; a stricter setting is left as it is. */
const PREPARE_SESSION = `
  SELECT pg_is_in_recovery() AS standby,
    set_config('statement_timeout', $1, false),
    set_config('idle_in_transaction_session_timeout', $2, false),
    set_config('synchronous_commit',
      CASE WHEN current_setting('synchronous_commit') = 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)`;

/** A bounded pool of sessions on one database, and transactions whose outcome is told exactly. */
export class PostgresPool {
  /** `host:port/database`, for messages. */
  readonly server: string;
  private readonly limits: PostgresLimits;
  private readonly pool: pg.Pool;
  private readonly prepared = new WeakSet<pg.PoolClient>();
  private readonly calls = new Set<Promise<unknown>>();
  private closing: Promise<void> | null = null;

  constructor(target: PostgresTarget, limits: PostgresLimits, telemetry: Telemetry | undefined) {
    const config = connectionConfig(target, limits);
    this.server = serverName(config);
    this.limits = limits;
    this.pool = new pg.Pool(config);
    const lost = telemetry?.counter('k2_catalog_lost_connections', 'Connections to the catalog database that broke.');
    // Without listeners the loss of a connection nobody is using would end the process. The pool listens to idle
    // connections only, so each gets one for the time it is in use: who uses it hears of the loss by the next answer.
    this.pool.on('connect', (client) => {
      client.on('error', () => undefined);
      client.once('error', () => lost?.add(1));
    });
    this.pool.on('error', (error) =>
      telemetry?.log('warn', 'an idle connection to the catalog database was lost', {
        server: this.server,
        error: error.message,
      }),
    );
    telemetry?.gauge(
      'k2_catalog_connections',
      'Connections to the catalog database, and calls waiting for one.',
      () => [
        [this.pool.totalCount - this.pool.idleCount, { state: 'busy' }],
        [this.pool.idleCount, { state: 'idle' }],
        [this.pool.waitingCount, { state: 'waiting' }],
      ],
    );
  }

  /** One statement that reads. */
  read<Row extends object>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.underWay(this.readOnce(text, values));
  }

  /**
   * All of `work` or nothing. Rejects with what `work` threw; `unavailable`: nothing was done; `unknown-outcome`: the
   * answer to COMMIT did not arrive. `work` may run several times, each time from the start.
   *
   * COMMIT is sent only when every statement before it was answered. So a transaction in doubt has all its locks and
   * holds them until it ends, and a caller who waits for one of them learns how it ended.
   */
  transaction<Value>(work: (query: Query) => Promise<Value>): Promise<Value> {
    return this.underWay(this.repeated((client) => work(queryOn(client)), commit));
  }

  /** Does `work`, and undoes it. */
  rehearsal<Value>(work: (query: Query) => Promise<Value>): Promise<Value> {
    return this.underWay(this.repeated((client) => work(queryOn(client)), rollback));
  }

  /** Waits for the calls under way; each of them is bounded. */
  async close(): Promise<void> {
    this.closing ??= this.finish();
    await this.closing;
  }

  private async finish(): Promise<void> {
    // A pool that is ending lets those who wait for a connection wait in vain.
    await Promise.allSettled(this.calls);
    await this.pool.end();
  }

  private async underWay<Value>(call: Promise<Value>): Promise<Value> {
    this.calls.add(call);
    try {
      return await call;
    } finally {
      this.calls.delete(call);
    }
  }

  private async readOnce<Row extends object>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const client = await this.checkOut();
    let isSound = false;
    try {
      const rows = await queryOn(client)<Row>(text, values);
      isSound = true;
      return rows;
    } catch (error) {
      throw unavailable(this.server, error);
    } finally {
      client.release(!isSound);
    }
  }

  private async repeated<Value>(work: (client: pg.PoolClient) => Promise<Value>, finish: Finish): Promise<Value> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(work, finish);
      } catch (error) {
        if (error instanceof LostAnswer) throw unknownOutcome(this.server, error);
        if (attempt === ATTEMPTS_MAX || !wasEndedByConcurrency(error)) throw unavailable(this.server, error);
      }
    }
  }

  private async once<Value>(work: (client: pg.PoolClient) => Promise<Value>, finish: Finish): Promise<Value> {
    const client = await this.checkOut();
    let isSound = false;
    try {
      await client.query(BEGIN);
      const value = await work(client);
      await finish(client);
      isSound = true;
      return value;
    } catch (error) {
      isSound = await isUndone(client, error);
      throw error;
    } finally {
      client.release(!isSound);
    }
  }

  private async checkOut(): Promise<pg.PoolClient> {
    if (this.closing !== null)
      throw new PortError('unavailable', `the catalog on PostgreSQL ${this.server} was closed`, {
        server: this.server,
      });
    let client: pg.PoolClient | null = null;
    try {
      client = await this.pool.connect();
      if (!this.prepared.has(client)) await this.prepare(client);
      return client;
    } catch (error) {
      client?.release(true);
      throw unavailable(this.server, error);
    }
  }

  private async prepare(client: pg.PoolClient): Promise<void> {
    const { statementTimeoutMs, idleInTransactionTimeoutMs } = this.limits;
    const values = [String(statementTimeoutMs), String(idleInTransactionTimeoutMs)];
    const [{ standby }] = (await client.query<{ standby: boolean }>(PREPARE_SESSION, values)).rows;
    if (standby) throw isStandby(this.server);
    this.prepared.add(client);
  }
}

type Finish = (client: pg.PoolClient) => Promise<void>;

/** COMMIT may or may not have been carried out. */
class LostAnswer extends Error {
  constructor(cause: unknown) {
    super((cause as Error).message, { cause });
  }
}

async function commit(client: pg.PoolClient): Promise<void> {
  let results: readonly pg.QueryResult[];
  try {
    results = (await client.query(COMMIT)) as unknown as readonly pg.QueryResult[];
  } catch (error) {
    // Any other answer, a server that is being stopped for one, could also follow a commit that took effect.
    if (wasEndedByConcurrency(error)) throw error;
    throw new LostAnswer(error);
  }
  // To the COMMIT of a transaction that had failed, the server answers ROLLBACK, and no error.
  const ended = results[results.length - 1].command;
  if (ended !== 'COMMIT') throw new Error(`the transaction ended with ${ended}`);
}

async function rollback(client: pg.PoolClient): Promise<void> {
  await client.query('ROLLBACK');
}

/** Whether the session can be used on: only a refusal, ours or the server's, leaves it in a known state. */
async function isUndone(client: pg.PoolClient, error: unknown): Promise<boolean> {
  if (!(error instanceof PortError || error instanceof pg.DatabaseError)) return false;
  try {
    await rollback(client);
    return true;
  } catch {
    return false;
  }
}

function queryOn(client: pg.PoolClient): Query {
  return async <Row extends object>(text: string, values: readonly unknown[] = []) =>
    (await client.query<Row>(text, [...values])).rows;
}

function unknownOutcome(server: string, { message, cause }: LostAnswer): PortError {
  return new PortError(
    'unknown-outcome',
    `PostgreSQL ${server}: no answer to COMMIT (${message})`,
    { server },
    { retryable: true, cause },
  );
}

function isStandby(server: string): PortError {
  return new PortError(
    'unavailable',
    `PostgreSQL ${server} is a standby, whose tables may be behind: wait until it is promoted, or point the URL at the primary`,
    { server },
    { retryable: true },
  );
}
