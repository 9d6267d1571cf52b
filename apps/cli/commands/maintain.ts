import { Argument, Option, type Command } from 'commander';
import type { TableName } from '@k2/domain/market';
import {
  MAINTAINED_TABLES,
  MAINTENANCE_TASKS,
  type MaintenanceReport,
  type MaintenanceTask,
} from '@k2/usecases/maintenance-tasks';
import type { CliContext, GlobalOptions } from '../context.ts';
import { RowTable } from '../output/row-table.ts';
import type { JsonRow, K2Session } from '../session/session.ts';
import { withSession } from './with-session.ts';

const HELP = `
Tasks, in the order in which they run; all of them where none is named:
  retention  drops whole days older than K2_KEEP_ROWS says; nothing where it says nothing
  compact    merges small files into sorted ones (K2_COMPACT_FILE_BYTES, K2_COMPACT_ZSTD_LEVEL)
  manifests  writes small manifests anew as few large ones
  expire     gives up old snapshots: all of the last 10 minutes stay, then one an hour for 3 days, one a day for 90 days
  orphans    deletes files that no snapshot needs and that are older than K2_ORPHAN_AGE_MS

They run beside a server and beside each other, may be stopped at any time and run again: what was committed stays. A
server with the role maintain does all of it by itself.

Examples:
  $ k2 maintain --dry-run
  $ k2 maintain compact --table market_data.trades
  $ k2 maintain expire orphans --json`;

interface MaintainOptions extends GlobalOptions {
  readonly table?: readonly TableName[];
  readonly dryRun?: true;
}

/** `k2 maintain`: keeps the tables fast and small, by hand. */
export function defineMaintain(command: Command, context: CliContext): void {
  command
    .addArgument(new Argument('[tasks...]', 'which').choices(MAINTENANCE_TASKS))
    .addOption(new Option('--table <names...>', 'only these tables').choices(MAINTAINED_TABLES))
    .option('--dry-run', 'only say what would be done')
    .addHelpText('after', HELP)
    .action(async (tasks: readonly MaintenanceTask[], _options: unknown, self: Command) => {
      const options = self.optsWithGlobals<MaintainOptions>();
      await withSession(context, options, 'maintain', async (session) => {
        const table = options.json === true ? null : new RowTable(context.stdout);
        for await (const report of reports(session, tasks, options)) {
          context.signal.throwIfAborted();
          if (table === null) await context.stdout.line(JSON.stringify(report));
          else await table.add([forTable(report)]);
        }
        await table?.end();
        if (options.dryRun === true) await context.stderr.line('nothing was changed: --dry-run');
      });
    });
}

async function* reports(
  session: K2Session,
  tasks: readonly MaintenanceTask[],
  { table: tables = MAINTAINED_TABLES, dryRun }: MaintainOptions,
): AsyncGenerator<MaintenanceReport> {
  for (const task of MAINTENANCE_TASKS.filter((one) => tasks.length === 0 || tasks.includes(one))) {
    for (const table of tables) {
      for (let isDone = false; !isDone;) {
        const report = await session.maintain(task, table, dryRun === true);
        if (report !== null) yield report;
        // A run of compaction is bounded by bytes; the command is done when all is.
        isDone = report?.task !== 'compact' || report.isDone || report.dryRun || report.groups === 0;
      }
    }
  }
}

function forTable(report: MaintenanceReport): JsonRow {
  const { task, table } = report;
  const row = (did: string, files: number | null, bytes: number | null): JsonRow => ({
    task,
    table,
    did,
    files,
    bytes,
  });
  switch (report.task) {
    case 'retention':
      return row(`dropped ${report.droppedRows} rows`, -report.droppedFiles, -report.droppedBytes);
    case 'compact': {
      const { rows, filesBefore, filesAfter, bytesBefore, bytesAfter } = report;
      const did = `rewrote ${rows} rows, ${filesBefore} files into ${filesAfter}`;
      return row(did, filesAfter - filesBefore, bytesAfter - bytesBefore);
    }
    case 'manifests':
      return row(`${report.manifestsBefore} manifests into ${report.manifestsAfter}`, null, null);
    case 'expire': {
      const did = `expired ${report.expiredSnapshots} of ${report.snapshotsBefore} snapshots`;
      return row(did, -report.deletedFiles, -report.deletedBytes);
    }
    case 'orphans': {
      const did = `deleted ${report.deletedFiles} orphans, left ${report.youngFiles} young ones`;
      return row(did, -report.deletedFiles, -report.deletedBytes);
    }
  }
}
