import type { Command } from 'commander';
import type { Program } from '../command.ts';
import type { CliContext, GlobalOptions } from '../context.ts';
import { EXIT, EXIT_HELP } from '../exit-codes.ts';
import { count } from '../output/describe-provenance.ts';
import { printCell } from '../output/cell.ts';
import { RowTable } from '../output/row-table.ts';
import type { JsonRow } from '../session/session.ts';
import { verifyAsx } from '../verify/verify-asx.ts';
import { verifyLake } from '../verify/verify-lake.ts';
import { sourceDirectory } from './load.ts';
import { withSession } from './with-session.ts';

const HELP = `
Without a source the lake is checked from inside: no tick is there twice, snapshot totals are what the files hold, log
positions are unique and covered by the recorded offsets, and the gap ledger (open less filled) is exactly the numbers that
are not in the table, whether they never came or were refused. All of it as of one instant, also while feeds run.

Examples:
  $ k2 verify
  $ k2 verify asx data/asx-2014-03
  $ k2 verify asx data/asx-2014-03 --json
${EXIT_HELP}`;

const HELP_ASX = `
Counts the files again by a reader of its own, and compares with SQL over the lake: lines, rows, exact sums of prices and
quantities, first and last time. A line that the quarantine holds is expected there and nowhere else; a tick that was
refused after it was numbered is counted by the values that the quarantine has of it. A file that is not read, as
trades/1.csv.gz, is a mismatch: nothing can be said of it. The lake is read as of one instant.

Example:
  $ k2 verify asx data/asx-2014-03
${EXIT_HELP}`;

/** `k2 verify`, `k2 verify asx DIR`: exit code 1 where something does not match. */
export function defineVerify(command: Command, context: CliContext, program: Program): void {
  command
    .addHelpText('after', HELP)
    .allowExcessArguments()
    .action(async (_options: unknown, self: Command) => {
      if (self.args.length > 0) self.error(`unknown source '${self.args[0]}': expected asx, or none`);
      const options = self.optsWithGlobals<GlobalOptions>();
      await withSession(context, options, 'ask', async (session) => {
        const results = await verifyLake(session);
        program.exitCode = await report(
          context,
          options,
          results.map(withMark),
          'check',
          (row) => `${row['table']}: ${row['check']}: ${row['detail']}`,
        );
      });
    });
  command
    .command('asx')
    .description('against ASX files')
    .argument('<dir>', 'directory that was loaded')
    .allowExcessArguments(false)
    .addHelpText('after', HELP_ASX)
    .action(async (directory: string, _options: unknown, self: Command) => {
      const options = self.optsWithGlobals<GlobalOptions>();
      const source = sourceDirectory(directory);
      await withSession(context, options, 'ask', async (session) => {
        const comparisons = await verifyAsx(session, source);
        const describe = (row: JsonRow) =>
          `${row['type']} ${row['of']}: ${row['measure']} is ${row['lake']} in the lake, ${row['files']} in the files${row['where'] === undefined ? '' : ` (${String(row['where'])})`}`;
        program.exitCode = await report(context, options, comparisons.map(withMark), 'comparison', describe);
      });
    });
}

function withMark<Result extends { readonly ok: boolean }>(result: Result): JsonRow {
  return { ...result };
}

async function report(
  { stdout, stderr }: CliContext,
  { json }: GlobalOptions,
  rows: readonly JsonRow[],
  noun: string,
  describe: (row: JsonRow) => string,
): Promise<number> {
  const failed = rows.filter((row) => row['ok'] !== true);
  if (json) for (const row of rows) await stdout.line(JSON.stringify(row));
  else {
    const table = new RowTable(stdout);
    await table.add(rows.map(({ where: _where, ok, ...row }) => ({ ...row, ok: ok === true ? 'ok' : 'MISMATCH' })));
    await table.end();
  }
  for (const row of failed) await stderr.line(`mismatch: ${printCell(describe(row))}`);
  if (failed.length > 0) return EXIT.failed;
  await stderr.line(`${count(rows.length, noun)}, all match`);
  return EXIT.ok;
}
