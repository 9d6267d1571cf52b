import { printTimeUs, US_PER_DAY, US_PER_SECOND } from '@k2/domain/market/time';
import type { AsOf, TickFilter } from '@k2/ports';
import type { MaintenanceReport, MaintenanceRunProgress, MaintenanceWork } from '@k2/usecases';
import { HttpClient, type QueryParameters, type RowsResponse } from './http-client.ts';
import { ndjsonBatches } from './ndjson-lines.ts';
import {
  listed,
  type AnswerProvenance,
  type BarsQuestion,
  type CompletenessJson,
  type GapsQuestion,
  type JsonRow,
  type K2Session,
  type LoadProgress,
  type LoadSummary,
  type RowStream,
  type SnapshotsQuestion,
  type TicksQuestion,
} from './session.ts';
import { snapshotRow, tableStatsRow, type SnapshotJson, type TableStatsJson } from './table-rows.ts';

/** What a server says of its maintenance, as far as it is used here. */
interface MaintainJson {
  readonly tables: readonly { readonly table: string; readonly uncheckedFiles: number }[];
}

/** The API lists no more in one answer. */
const SNAPSHOTS_MAX = 1_000;

/** A running server, by its API. */
export class HttpSession implements K2Session {
  readonly where: string;
  private readonly url: string;
  private readonly signal: AbortSignal;
  private readonly http: HttpClient;

  constructor(url: string, signal: AbortSignal) {
    this.url = url;
    this.signal = signal;
    this.where = `the server at ${url}`;
    this.http = new HttpClient(url, signal);
  }

  ticks({ recordType, filter, asOf, fields, order, limit }: TicksQuestion): Promise<RowStream> {
    return this.rows(`/v1/${recordType}`, {
      ...filterParameters(filter),
      ...asOfParameter(asOf),
      ...(fields !== undefined && { fields: fields.join(',') }),
      ...(order === 'newest-first' && { order }),
      limit,
    });
  }

  bars({ filter, asOf, intervalUs, limit }: BarsQuestion): Promise<RowStream> {
    return this.rows('/v1/bars', {
      ...filterParameters(filter),
      ...asOfParameter(asOf),
      interval: printInterval(intervalUs),
      limit,
    });
  }

  symbols(filter: TickFilter, limit: number): Promise<RowStream> {
    return this.rows('/v1/symbols', { ...filterParameters(filter), limit });
  }

  async query(sql: string, limit: number, asOf: AsOf = { kind: 'latest' }): Promise<RowStream> {
    return answered(await this.http.postRows('/v1/query', { sql, limit, ...asOfParameter(asOf) }));
  }

  gaps({ recordType, filter, limit }: GapsQuestion): Promise<RowStream> {
    const type = recordType === undefined ? {} : { recordType };
    return this.rows('/v1/gaps', { ...filterParameters(filter), ...type, limit });
  }

  async snapshots({ table, limit }: SnapshotsQuestion): Promise<RowStream> {
    const parameters = { table, limit: Math.min(limit, SNAPSHOTS_MAX) };
    const { data } = await this.http.getJson<{ readonly data: readonly SnapshotJson[] }>('/v1/snapshots', parameters);
    return listed(data.map(snapshotRow));
  }

  async stats(): Promise<RowStream> {
    const { tables } = await this.http.getJson<{ readonly tables: readonly TableStatsJson[] }>('/v1/stats', {});
    return listed(tables.map(tableStatsRow));
  }

  async uncheckedFiles(): Promise<ReadonlyMap<string, number>> {
    const { maintain } = await this.http.getJson<{ readonly maintain: MaintainJson | null }>('/v1/stats', {});
    return new Map(maintain?.tables.map(({ table, uncheckedFiles }) => [table, uncheckedFiles]));
  }

  async *maintain(
    work: MaintenanceWork,
    progress: (progress: MaintenanceRunProgress) => void,
  ): AsyncGenerator<MaintenanceReport> {
    const { maintainOverHttp } = await import('./http-maintenance.ts');
    yield* maintainOverHttp(this.url, this.signal, work, progress);
  }

  async load(feed: string, progress: (progress: LoadProgress) => void): Promise<LoadSummary> {
    const { loadOverHttp } = await import('./http-load.ts');
    return loadOverHttp(this.http, feed, this, progress);
  }

  async close(): Promise<void> {
    // Requests end with their answers; there is nothing to hold open.
  }

  private async rows(path: string, parameters: QueryParameters): Promise<RowStream> {
    return answered(await this.http.getRows(path, parameters));
  }
}

function answered({ headers, body }: RowsResponse): RowStream {
  return { provenance: readProvenance(headers), batches: ndjsonBatches<JsonRow>(body) };
}

function readProvenance(headers: RowsResponse['headers']): AnswerProvenance | null {
  const completeness = headers['k2-completeness'];
  const snapshotId = headers['k2-snapshot-id'];
  if (completeness === undefined) return null;
  return {
    completeness: JSON.parse(String(completeness)) as CompletenessJson,
    snapshotId: snapshotId === undefined || snapshotId === '' || snapshotId === 'null' ? null : String(snapshotId),
  };
}

function filterParameters({ exchange, symbols, fromUs, toUs }: TickFilter): QueryParameters {
  return {
    ...(exchange !== undefined && { exchange }),
    ...(symbols !== undefined && { symbol: symbols }),
    ...(fromUs !== undefined && { from: printTimeUs(fromUs) }),
    ...(toUs !== undefined && { to: printTimeUs(toUs) }),
  };
}

function asOfParameter(asOf: AsOf): QueryParameters {
  switch (asOf.kind) {
    case 'latest':
      return {};
    case 'snapshot':
      return { asOf: String(asOf.snapshotId) };
    case 'time':
      return { asOf: printTimeUs(asOf.timeUs) };
  }
}

/** In whole days where it is some: the API takes at most five digits. */
function printInterval(intervalUs: number): string {
  const days = intervalUs / US_PER_DAY;
  return Number.isInteger(days) ? `${days}d` : `${intervalUs / US_PER_SECOND}s`;
}
