import { InvalidArgumentError, type Command } from 'commander';
import type { RecordType } from '@k2/domain/market';
import type { AsOf } from '@k2/ports';
import { tickFields } from '@k2/usecases/tick-fields';
import type { Define } from '../command.ts';
import type { CliContext, GlobalOptions } from '../context.ts';
import { printRows } from '../output/print-rows.ts';
import {
  addAsOfOption,
  addInstrumentOptions,
  addLimitOption,
  addTimeOptions,
  filterOf,
  limitOf,
  type FilterOptions,
  type LimitOptions,
} from './tick-options.ts';
import { withSession } from './with-session.ts';

/** Fields of a table that fits a terminal. */
const TABLE_FIELDS: Readonly<Record<RecordType, readonly string[]>> = {
  trades: ['timestamp', 'exchange', 'symbol', 'price', 'quantity', 'side', 'trade_conditions', 'source_sequence'],
  quotes: [
    'timestamp',
    'exchange',
    'symbol',
    'bid_quantity',
    'bid_price',
    'ask_price',
    'ask_quantity',
    'source_sequence',
  ],
};

const help = (recordType: RecordType) => `
stdout has the ${recordType}. stderr says which snapshot they are of and how complete they are; with --json as one line
{"rows":…,"hasMore":…,"completeness":{…},"snapshotId":"…"}.

Fields:
  ${fieldLines(tickFields(recordType))}

Examples:
  $ k2 ${recordType} --exchange ASX --symbol BHP --from 2014-03-09T23:00Z --to 2014-03-10T05:00Z
  $ k2 ${recordType} --symbol BHP,MWR --newest --limit 20
  $ k2 ${recordType} --symbol BHP --as-of 2026-01-31T12:00Z --json > ${recordType}.ndjson
  $ k2 ${recordType} --symbol BHP --fields timestamp,message_id --json | head`;

interface TicksOptions extends FilterOptions, LimitOptions, GlobalOptions {
  readonly asOf?: AsOf;
  readonly fields?: readonly string[];
  readonly newest?: true;
}

/** `k2 trades`, `k2 quotes`: ticks in their order, or newest first. */
export const defineTrades: Define = (command, context) => defineTicks('trades', command, context);
export const defineQuotes: Define = (command, context) => defineTicks('quotes', command, context);

function defineTicks(recordType: RecordType, command: Command, context: CliContext): void {
  addTimeOptions(addInstrumentOptions(command));
  addAsOfOption(command).option('--fields <names>', 'fields, separated by commas, or all', (text: string) =>
    parseFields(text, recordType),
  );
  addLimitOption(command)
    .option('--newest', 'newest first')
    .addHelpText('after', help(recordType))
    .action(async (_options: unknown, self: Command) => {
      const options = self.optsWithGlobals<TicksOptions>();
      const limit = limitOf(options);
      const fields = options.fields ?? (options.json ? undefined : TABLE_FIELDS[recordType]);
      await withSession(context, options, 'ask', async (session) => {
        const stream = await session.ticks({
          recordType,
          filter: filterOf(options),
          asOf: options.asOf ?? { kind: 'latest' },
          ...(fields !== undefined && { fields }),
          order: options.newest ? 'newest-first' : 'oldest-first',
          limit: limit + 1,
        });
        await printRows(context, stream, {
          json: options.json === true,
          limit,
          none: `no ${recordType}`,
          which: options.newest ? 'newest' : 'first',
          narrowBy: '--limit, --from, --to',
        });
      });
    });
}

const FIELDS_A_LINE = 6;

function fieldLines(fields: readonly string[]): string {
  const lines = [];
  for (let at = 0; at < fields.length; at += FIELDS_A_LINE) lines.push(fields.slice(at, at + FIELDS_A_LINE).join(', '));
  return lines.join(',\n  ');
}

function parseFields(text: string, recordType: RecordType): readonly string[] {
  const known = tickFields(recordType);
  if (text === 'all') return known;
  const fields = text.split(',').map((field) => field.trim());
  const unknown = fields.filter((field) => !known.includes(field));
  if (unknown.length > 0) {
    throw new InvalidArgumentError(
      `${unknown.join(', ') || 'nothing'} is no field of ${recordType}: there are ${known.join(', ')}`,
    );
  }
  return fields;
}
