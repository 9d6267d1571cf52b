import { Option, type Command } from 'commander';
import { RECORD_SCHEMAS, type TableName } from '@k2/domain/market/record-schema';
import type { CliContext, GlobalOptions } from '../context.ts';
import { printRows } from '../output/print-rows.ts';
import type { JsonRow } from '../session/session.ts';
import { addLimitOption, limitOf, type LimitOptions } from './tick-options.ts';
import { withSession } from './with-session.ts';

const HELP = `
Newest first. A snapshot's id or time is what --as-of takes. With --json each also has its parent and the log offsets
that it holds up to.

Examples:
  $ k2 snapshots --limit 5
  $ k2 snapshots --table market_data.quotes --json`;

const TABLE_COLUMNS = [
  'snapshot_id',
  'committed_at',
  'operation',
  'added_rows',
  'total_rows',
  'total_files',
  'total_bytes',
  'is_current',
];

interface SnapshotsOptions extends LimitOptions, GlobalOptions {
  readonly table: TableName;
}

/** `k2 snapshots`: the states of a table that can be asked for. */
export function defineSnapshots(command: Command, context: CliContext): void {
  const tables = RECORD_SCHEMAS.map(({ table }) => table);
  command.addOption(new Option('--table <name>', 'which').choices(tables).default('market_data.trades'));
  addLimitOption(command)
    .addHelpText('after', HELP)
    .action(async (_options: unknown, self: Command) => {
      const options = self.optsWithGlobals<SnapshotsOptions>();
      const limit = limitOf(options);
      await withSession(context, options, 'ask', async (session) => {
        const stream = await session.snapshots({ table: options.table, limit: limit + 1 });
        const none = `${options.table} has no snapshot yet`;
        await printRows(context, stream, {
          json: options.json === true,
          limit,
          none,
          shape: forTable,
          narrowBy: '--limit',
        });
      });
    });
}

function forTable(row: JsonRow): JsonRow {
  return Object.fromEntries(TABLE_COLUMNS.map((column) => [column, row[column] ?? null]));
}
