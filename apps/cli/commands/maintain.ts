import { Argument, Option, type Command } from 'commander';
import type { TableName } from '@k2/domain/market';
import {
  MAINTAINED_TABLES,
  MAINTENANCE_TASKS,
  type MaintenanceReport,
  type MaintenanceTask,
} from '@k2/usecases/maintenance-tasks';
import type { CliContext, GlobalOptions } from '../context.ts';
import { EXIT_HELP } from '../exit-codes.ts';
import { describeAlterations, describeInspection } from '../output/describe-inspection.ts';
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
  inspect    tells which rows retention dropped or another engine changed, and how many files have no digest; changes nothing

They run beside a server and beside each other, may be stopped at any time and run again: what was committed stays. A
server with the role maintain does all of it by itself.

With --url (K2_URL) the server does the work, by its own settings and never beside its own schedule. Ctrl-C cancels it there,
too; GET /v1/maintenance lists what was asked for.

Examples:
  $ k2 maintain --dry-run
  $ k2 maintain compact --table market_data.trades
  $ k2 maintain expire orphans --json
  $ k2 maintain compact --url http://127.0.0.1:7083
${EXIT_HELP}`;

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
      await withSession(context, options, 'maintain', (session) => maintain(context, session, tasks, options));
    });
}

async function maintain(
  context: CliContext,
  session: K2Session,
  tasks: readonly MaintenanceTask[],
  { table: tables = [], dryRun, json }: MaintainOptions,
): Promise<void> {
  const { MaintenanceDisplay } = await import('../output/maintenance-display.ts');
  const display = new MaintenanceDisplay(context.stderr, context.clock);
  const rows = json === true ? null : new RowTable(context.stdout);
  const found: string[] = [];
  const work = { tasks, tables, dryRun: dryRun === true };
  try {
    for await (const report of session.maintain(work, (progress) => display.update(progress))) {
      if (rows !== null) {
        await rows.add([forTable(report)]);
        if (report.task === 'inspect') found.push(...describeAlterations(report));
      } else {
        display.clear();
        await context.stdout.line(JSON.stringify(report));
      }
    }
  } finally {
    display.clear();
    // What was done before it broke off was done.
    await rows?.end();
    for (const line of found) await context.stdout.line(line);
  }
  if (dryRun === true) await context.stderr.line('nothing was changed: --dry-run');
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
    case 'inspect':
      return row(describeInspection(report), null, null);
  }
}
