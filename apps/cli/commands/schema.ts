import type { Command } from 'commander';
import { readSettings } from '@k2/composition/settings';
import type { Program } from '../command.ts';
import type { CliContext, GlobalOptions } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { count } from '../output/describe-provenance.ts';
import { RowTable } from '../output/row-table.ts';

const HELP = `
Holds the schemas that this version of K2 writes against every version that the registry (K2_SCHEMA_REGISTRY_URL) has of
them, before it is deployed. Ingest checks the same when it starts. Nothing is registered.

  same          registered already
  compatible    would be a new version, whose readers can read everything older
  incompatible  could not read older records: exit code 1, with the fields

Example:
  $ k2 schema check`;

/** `k2 schema check`: whether this version may write what it writes. */
export function defineSchema(command: Command, context: CliContext, program: Program): void {
  command
    .command('check')
    .description('whether older records can still be read beside what this version writes')
    .addHelpText('after', HELP)
    .action(async (_options: unknown, self: Command) => {
      const { data, json } = self.optsWithGlobals<GlobalOptions>();
      const checks = await context.checkSchemas(readSettings({ data }, context.env));
      if (json === true) for (const check of checks) await context.stdout.line(JSON.stringify(check));
      else {
        const table = new RowTable(context.stdout);
        await table.add(checks.map(({ reasons, ...row }) => ({ ...row, reasons: reasons.join('; ') })));
        await table.end();
      }
      const broken = checks.filter(({ verdict }) => verdict === 'incompatible');
      const found = checks.length === 0 ? 'the registry has no subject of K2' : count(checks.length, 'subject');
      await context.stderr.line(broken.length === 0 ? `${found}, none broken` : `${broken.length} of ${found} broken`);
      if (broken.length > 0) program.exitCode = EXIT.failed;
    });
}
