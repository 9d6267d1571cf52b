import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Program } from '../command.ts';
import type { CliContext, GlobalOptions } from '../context.ts';
import { CliError, EXIT, EXIT_HELP } from '../exit-codes.ts';
import { count, printCount } from '../output/describe-provenance.ts';
import { printCell } from '../output/cell.ts';
import { describeComparison } from '../output/describe-comparison.ts';
import type { LoadSummary } from '../session/session.ts';
import { withSession } from './with-session.ts';

const HELP = `
Runs in the server of the data directory where there is one, and otherwise opens the directory itself; other commands
can read meanwhile. One load at a time: a second waits until the first has ended. Loading again is safe: what is already in the lake is recognised and not counted twice. After a
Ctrl-C the same command goes on.

Files that lie there and are not read, as trades/1.csv.gz, are named. So are sessions that differ from what an earlier load
brought: rows corrected, inserted or cut off. Rows appended to a session are loaded; what differs is not taken, and the
lake keeps what it has. In both cases the exit code is 4.

With --json stdout has one line, the summary.

Examples:
  $ k2 load asx data/asx-2014-03
  $ k2 load asx data/asx-2014-03 --data ./lake --json
${EXIT_HELP}`;

/** `k2 load asx DIR`: carries files into the lake. */
export function defineLoad(command: Command, context: CliContext, program: Program): void {
  command
    .command('asx')
    .description('ASX trades and quotes: DIR/trades/*.csv, DIR/quotes/*.csv, DIR/reference-data')
    .argument('<dir>', 'directory of the files')
    .addHelpText('after', HELP)
    .action(async (directory: string, _options: unknown, self: Command) => {
      const options = self.optsWithGlobals<GlobalOptions>();
      const source = sourceDirectory(directory);
      await withSession(context, options, 'load', async (session) => {
        const { ProgressDisplay } = await import('../output/progress-display.ts');
        const display = new ProgressDisplay(context.stderr, context.clock);
        let summary: LoadSummary;
        try {
          summary = await session.load(`asx:${source}`, (progress) => display.update(progress));
        } catch (error) {
          display.stop();
          if (context.signal.aborted) throw interrupted(directory);
          throw error;
        }
        display.stop();
        if (context.signal.aborted && !summary.committed) throw interrupted(directory);
        if (options.json) await context.stdout.line(JSON.stringify(summary));
        else if (summary.committed) await context.stdout.write(describeLoad(summary));
        if (summary.unread.count > 0 || summary.comparison.differingSessions > 0) program.exitCode = EXIT.incomplete;
        if (!summary.committed) throw stopped(summary);
      });
    });
}

/** The server may have another working directory, so paths are sent whole. */
export function sourceDirectory(directory: string): string {
  const source = resolve(directory);
  if (!existsSync(source)) throw new CliError(`there is no directory ${directory}`);
  if (!existsSync(join(source, 'trades')) && !existsSync(join(source, 'quotes'))) {
    throw new CliError(`${directory} has neither trades/ nor quotes/: expected the directory that holds them`);
  }
  return source;
}

export function describeLoad(summary: LoadSummary): string {
  const { kept, rows, duplicates, quarantined, refusals, earlierRecords, unread, comparison, othersWrote } = summary;
  const width = printCount(rows).length;
  const line = (number: number, text: string) => `${printCount(number).padStart(width)}  ${text}\n`;
  let text = line(rows, 'rows read');
  text += line(
    kept.trades + kept.quotes,
    `new in the lake: ${count(kept.trades, 'trade')}, ${count(kept.quotes, 'quote')}`,
  );
  text += line(duplicates, 'already there');
  if (comparison.notTakenRows > 0)
    text += line(comparison.notTakenRows, 'not taken: they differ from what the lake has');
  text += line(quarantined, 'new in the quarantine');
  if (othersWrote) text += 'Other feeds or processes wrote beside this load: some of the new rows may be theirs.\n';
  if (earlierRecords !== undefined) {
    const left = count(earlierRecords, 'log record');
    text += `An earlier run had left ${left} uncommitted: committed first, their rows count as already there.\n`;
  }
  for (const { reason, count: refused, places } of refusals) {
    const more = refused > places.length ? ', …' : '';
    text += `${' '.repeat(width)}    ${count(refused, 'row')} refused as ${reason}: ${places.map(printCell).join(', ')}${more}\n`;
    const remedy = REMEDIES[reason];
    if (remedy !== undefined) text += `${' '.repeat(width)}    ${remedy}\n`;
  }
  if (unread.count > 0) {
    const more = unread.count > unread.names.length ? `, … ${printCount(unread.count)} in all` : '';
    text += `Not read, because not called <company id>.csv: ${unread.names.map(printCell).join(', ')}${more}\n`;
  }
  return `${text}${describeComparison(comparison)}Loading the same files again is safe: nothing is counted twice.\n`;
}

/** Of rows that are taken by another load, once what is outside of them has been put right. */
const REMEDIES: Readonly<Record<string, string>> = {
  'time-out-of-range': "before 1970 or ahead of this machine's clock: if the clock is wrong, set it and load again",
  'unknown-symbol': 'company_info.csv has no symbol for their dates: add it and load again',
};

function stopped({ rows }: LoadSummary): CliError {
  const next = 'nothing is lost or counted twice: run the same command again to go on';
  return new CliError(`the load was stopped after ${count(rows, 'row')}, before all of them were committed; ${next}`);
}

function interrupted(directory: string): CliError {
  const next = `nothing is lost or counted twice: run \`k2 load asx ${directory}\` again to go on`;
  return new CliError(`interrupted; ${next}`, EXIT.interrupted);
}
