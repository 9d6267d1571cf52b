import {
  isPortError,
  PortError,
  type CatalogChange,
  type Clock,
  type Histogram,
  type PartitionClaim,
  type PartitionProgress,
  type StoredState,
  type TableCatalog,
  type Telemetry,
  type TopicPartition,
} from '@k2/ports';
import { applyChange } from './apply-change.ts';
import { recordChange } from './change-record.ts';
import { lastCommitUs } from './commit-time.ts';
import { migrate } from './migrate.ts';
import { claimPartitions, storedProgress } from './partition-progress.ts';
import { storedStates } from './partition-states.ts';
import { POSTGRES_TABLE_CATALOG_DEFAULTS, type PostgresLimits, type PostgresTls } from './postgres-options.ts';
import { PostgresPool, type Query } from './postgres-pool.ts';
import { metadataLocation, metadataLocations } from './table-pointers.ts';

export interface PostgresTableCatalogOptions extends Partial<PostgresLimits> {
  /**
   * `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with parameters as libpq has them: `sslmode` (`disable`, `require`,
   * `verify-ca`, `verify-full`), `sslrootcert`, `sslcert`, `sslkey` (files), `options` (`-c search_path=SCHEMA`),
   * `application_name`. The database exists, in UTF8. A pooler between has to pool sessions, not transactions.
   */
  readonly url: string;
  /** Instead of what the URL says of TLS; `false` is none. */
  readonly tls?: PostgresTls | false;
  readonly clock: Clock;
  readonly telemetry?: Telemetry;
}

/**
 * A TableCatalog in a PostgreSQL database (13 or later) that pyiceberg (SqlCatalog), Trino and Spark (JDBC catalog) can
 * open as catalog `k2`. Applying a change id a second time does nothing, so a change may be repeated when its outcome is
 * unknown. `unavailable` is retryable if the cause passes by itself.
 */
export class PostgresTableCatalog implements TableCatalog {
  private readonly pool: PostgresPool;
  private readonly clock: Clock;
  private readonly callDuration: Histogram | undefined;

  /** Creates or upgrades K2's tables. Rejects with `unavailable` if it cannot, or if a newer K2 has been. */
  static async open(options: PostgresTableCatalogOptions): Promise<PostgresTableCatalog> {
    const catalog = new PostgresTableCatalog(options);
    try {
      await migrate(catalog.pool, options.clock);
    } catch (error) {
      await catalog.close();
      throw isPortError(error, 'unknown-outcome') ? openAgain(error) : error;
    }
    return catalog;
  }

  private constructor({ clock, telemetry, ...options }: PostgresTableCatalogOptions) {
    this.clock = clock;
    this.pool = new PostgresPool(options, { ...POSTGRES_TABLE_CATALOG_DEFAULTS, ...options }, telemetry);
    this.callDuration = telemetry?.histogram(
      'k2_catalog_call_ms',
      'From a call of the catalog to its answer, by call and outcome.',
      'ms',
    );
  }

  async tables(): Promise<ReadonlyMap<string, string>> {
    return this.measured('tables', () => metadataLocations(this.read));
  }

  async metadataLocation(table: string): Promise<string | null> {
    return this.measured('metadataLocation', () => metadataLocation(this.read, table));
  }

  async lastCommitUs(): Promise<number | null> {
    return this.measured('lastCommitUs', () => lastCommitUs(this.read));
  }

  async apply(change: CatalogChange): Promise<void> {
    try {
      const appliedUs = this.clock.nowUs();
      await this.measured('apply', () => this.pool.transaction((query) => applyChange(query, change, appliedUs)));
    } catch (error) {
      throw isPortError(error, 'unknown-outcome') ? unknownOutcome(change, error) : error;
    }
  }

  /**
   * Waits for a transaction of this change that is still under way in the server, and rejects with `unavailable` where
   * that takes too long: a "no" would be wrong if it commits after all. Asks by trying to record the change itself.
   */
  async committed(changeId: string): Promise<boolean> {
    return this.measured('committed', () =>
      this.pool.rehearsal(async (query) => (await recordChange(query, changeId, this.clock.nowUs())) === null),
    );
  }

  async claim(
    writer: string,
    partitions: readonly (TopicPartition & { readonly topicId: string })[],
  ): Promise<readonly PartitionClaim[]> {
    try {
      return await this.measured('claim', () =>
        this.pool.transaction((query) => claimPartitions(query, writer, partitions)),
      );
    } catch (error) {
      throw isPortError(error, 'unknown-outcome') ? claimAgain(error) : error;
    }
  }

  async progress(): Promise<readonly PartitionProgress[]> {
    return this.measured('progress', () => storedProgress(this.read));
  }

  async state(keys: readonly string[]): Promise<ReadonlyMap<string, StoredState>> {
    return this.measured('state', () => storedStates(this.read, keys));
  }

  async close(): Promise<void> {
    await this.pool.close();
  }

  private readonly read: Query = (text, values) => this.pool.read(text, values);

  private async measured<Value>(call: string, run: () => Promise<Value>): Promise<Value> {
    const startUs = this.clock.monotonicUs();
    let outcome = 'ok';
    try {
      return await run();
    } catch (error) {
      outcome = isPortError(error) ? error.kind : 'failed';
      throw error;
    } finally {
      this.callDuration?.record((this.clock.monotonicUs() - startUs) / 1_000, { call, outcome });
    }
  }
}

function unknownOutcome({ changeId }: CatalogChange, cause: PortError): PortError {
  const message = `whether change ${changeId} took effect is unknown (${cause.message}): ask committed()`;
  return new PortError('unknown-outcome', message, { changeId, ...cause.context }, { retryable: true, cause });
}

/** A claim that did take effect has ended older ones, and is ended by the next: nothing has to be found out. */
function claimAgain(cause: PortError): PortError {
  return new PortError('unavailable', `${cause.message}: claim again`, cause.context, { retryable: true, cause });
}

function openAgain(cause: PortError): PortError {
  return new PortError('unavailable', `${cause.message}: open again`, cause.context, { retryable: true, cause });
}
