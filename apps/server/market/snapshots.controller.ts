import { Controller, Get, Inject, Query } from '@nestjs/common';
import { alterationJson } from '@k2/domain/lake';
import { printTimeUs, RECORD_SCHEMAS, type TableName } from '@k2/domain/market';
import type { TableSnapshot } from '@k2/ports';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import { Checked } from '../http/checked.ts';
import { integerCheck } from './checks.ts';

const TABLES = RECORD_SCHEMAS.map(({ table }) => table);
const SNAPSHOTS_DEFAULT = 20;
const SNAPSHOTS_MAX = 1_000;

export class SnapshotsQuery {
  @Checked({
    description: 'Table; the namespace may be left out.',
    expected: `one of ${TABLES.join(', ')}`,
    holds: (value) => tableOf(value) !== null,
    schema: { type: 'string', default: 'market_data.trades', enum: [...TABLES, ...TABLES.map(shortName)] },
  })
  table?: string;
  @Checked(integerCheck('Snapshots, newest first.', 1, SNAPSHOTS_MAX, SNAPSHOTS_DEFAULT)) limit?: string;
}

@Controller('v1')
export class SnapshotsController {
  constructor(@Inject(API_CONTEXT) private readonly context: ApiContext) {}

  @Get('snapshots')
  async snapshots(@Query() { table, limit }: SnapshotsQuery): Promise<object> {
    const { store } = this.context.platform.ports;
    const named = tableOf(table ?? 'market_data.trades')!;
    const rowLimit = Number(limit ?? SNAPSHOTS_DEFAULT);
    // One more tells whether there are more.
    const snapshots = await store.snapshots(named, rowLimit + 1);
    return { data: snapshots.slice(0, rowLimit).map(snapshotJson), truncated: snapshots.length > rowLimit };
  }
}

function snapshotJson(snapshot: TableSnapshot): object {
  const { snapshotId, parentSnapshotId, committedUs, alterations, ...rest } = snapshot;
  return {
    ...rest,
    snapshotId: String(snapshotId),
    parentSnapshotId: parentSnapshotId === null ? null : String(parentSnapshotId),
    committedTime: printTimeUs(committedUs),
    alterations: alterations.map(alterationJson),
  };
}

function tableOf(value: unknown): TableName | null {
  return TABLES.find((table) => table === value || shortName(table) === value) ?? null;
}

function shortName(table: TableName): string {
  return table.split('.')[1];
}
