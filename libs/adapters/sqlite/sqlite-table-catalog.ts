import {
  PortError,
  isPortError,
  type CatalogChange,
  type Clock,
  type PartitionClaim,
  type PartitionProgress,
  type StoredState,
  type TableCatalog,
  type TopicPartition,
} from '@k2/ports';
import { SqliteClient } from './sqlite-client.ts';

export interface SqliteTableCatalogOptions {
  /** The database file, `DIR/catalog.db`; created if it is missing. */
  readonly path: string;
  readonly clock: Clock;
}

/**
 * A TableCatalog in one SQLite file that pyiceberg (SqlCatalog), Trino and Spark (JDBC catalog) can open as catalog
 * `k2`. Applying a change id a second time does nothing, so a change may be repeated when its outcome is unknown.
 */
export class SqliteTableCatalog implements TableCatalog {
  private readonly client: SqliteClient<'catalog'>;
  private readonly options: SqliteTableCatalogOptions;
  private closing: Promise<void> | null = null;

  /** Rejects with `unavailable` if the file cannot be opened or is damaged. */
  static async open(options: SqliteTableCatalogOptions): Promise<SqliteTableCatalog> {
    const catalog = new SqliteTableCatalog(options);
    try {
      await catalog.tables();
    } catch (error) {
      await catalog.close();
      throw error;
    }
    return catalog;
  }

  private constructor(options: SqliteTableCatalogOptions) {
    this.options = options;
    this.client = new SqliteClient('catalog', options.path);
  }

  async tables(): Promise<ReadonlyMap<string, string>> {
    return new Map(await this.client.call('tables', []));
  }

  async metadataLocation(table: string): Promise<string | null> {
    return this.client.call('metadataLocation', [table]);
  }

  async lastCommitUs(): Promise<number | null> {
    return this.client.call('lastCommitUs', []);
  }

  async apply(change: CatalogChange): Promise<void> {
    try {
      await this.client.call('apply', [change, this.options.clock.nowUs()]);
    } catch (error) {
      throw isPortError(error, 'unavailable', 'disk-full') && mayHaveCommitted(error)
        ? unknownOutcome(change, error)
        : error;
    }
  }

  async committed(changeId: string): Promise<boolean> {
    return this.client.call('committed', [changeId]);
  }

  async claim(
    writer: string,
    partitions: readonly (TopicPartition & { readonly topicId: string })[],
  ): Promise<readonly PartitionClaim[]> {
    return this.client.call('claim', [writer, partitions]);
  }

  async progress(): Promise<readonly PartitionProgress[]> {
    return this.client.call('progress', []);
  }

  async state(keys: readonly string[]): Promise<ReadonlyMap<string, StoredState>> {
    return new Map(await this.client.call('state', [keys]));
  }

  async close(): Promise<void> {
    this.closing ??= this.finish();
    await this.closing;
  }

  private async finish(): Promise<void> {
    // A thread that is already gone, or a file that never opened, has nothing left to close.
    await this.client.call('close', []).catch(() => undefined);
    await this.client.ended();
  }
}

const SQLITE_IOERR = 10;

/** The thread was lost, or the disk failed, perhaps while the commit was being flushed. */
function mayHaveCommitted({ context }: PortError): boolean {
  return (
    context['lost'] === true ||
    (typeof context['resultCode'] === 'number' && (context['resultCode'] & 0xff) === SQLITE_IOERR)
  );
}

function unknownOutcome({ changeId }: CatalogChange, cause: PortError): PortError {
  const message = `whether change ${changeId} took effect is unknown (${cause.message}): ask committed()`;
  return new PortError('unknown-outcome', message, { changeId, ...cause.context }, { retryable: true, cause });
}
