import { BATCH_ROWS_MAX, type Venue } from '@k2/domain/market';
import { PortError, type Clock, type FeedEvent, type MarketFeed, type MarketFeedErrorKind } from '@k2/ports';
import { listDirectory, type AsxDirectory, type AsxDirectoryFile } from './directory.ts';
import { CSV_LINE_BYTES_MAX, LINE_BYTES_MAX, type AsxFileParser, type AsxFileSummary } from './file-parser.ts';
import { unusable } from './messages.ts';
import { QuoteFileParser, TradeFileParser } from './parse.ts';
import type { SourceDirectory } from './source-directory.ts';
import { SydneyCalendar } from './sydney-time.ts';
import { QuoteRows, TradeRows } from './tick-rows.ts';

export interface AsxFeedOptions {
  /** Holds `trades/<company id>.csv`, `quotes/<company id>.csv` and `reference-data/company_info.csv`. */
  readonly directory: string;
  /** Rows of a batch, 1 to 65,536; default 65,536. */
  readonly rowsMax?: number;
  /** Bytes read at a time, above 65,536; default 1 MiB. Memory is this and one batch, however long the files are. */
  readonly readBytes?: number;
}

export interface AsxLoadSummary {
  /** Files read so far, in order. */
  readonly files: readonly AsxFileSummary[];
  /** Entries beside those files that look as if they were to be loaded, as `trades/1.csv.gz`. */
  readonly unread: readonly string[];
}

/**
 * Loads a directory of ASX trade and quote files: trades by file name, then quotes.
 *
 * Numbers (`source_sequence`) are by arrival, for each session; loading a directory again gives the same identities.
 * Throws at open, before the first tick, `misconfigured` where the directory cannot be understood: missing, without
 * files, with a link or a pipe in the place of one, or with a file whose company has no symbol in `company_info.csv`.
 * Throws the same later where a file cannot be read on, changes meanwhile or is no CSV: a person has to look, and
 * opening again would read all of it again.
 */
export class AsxFeed implements MarketFeed {
  readonly name: string;
  readonly venues: readonly Venue[] = [{ exchange: 'ASX', sequenceOrigin: 'arrival' }];
  private readonly directory: string;
  private readonly rowsMax: number;
  private readonly readBytes: number;
  private readonly clock: Clock;
  private readonly calendar = new SydneyCalendar();
  private parsers: AsxFileParser[] = [];
  private unread: readonly string[] = [];

  constructor(options: AsxFeedOptions, ports: { readonly clock: Clock }) {
    const { directory, rowsMax = BATCH_ROWS_MAX, readBytes = 1_048_576 } = options;
    requireRange('rowsMax', rowsMax, 1, BATCH_ROWS_MAX);
    requireRange('readBytes', readBytes, LINE_BYTES_MAX + 1, 1_073_741_824);
    this.directory = directory;
    this.rowsMax = rowsMax;
    this.readBytes = readBytes;
    this.clock = ports.clock;
    this.name = `asx:${directory}`;
  }

  /** What the latest `open` has read, kept and refused. */
  summary(): AsxLoadSummary {
    return { files: this.parsers.map((parser) => parser.summary()), unread: this.unread };
  }

  async *open(signal: AbortSignal): AsyncGenerator<FeedEvent> {
    this.parsers = [];
    if (signal.aborted) return;
    const directory = await listDirectory(this.directory);
    this.unread = directory.unread;
    yield { kind: 'connected', exchange: 'ASX' };
    if (this.unread.length > 0) yield { kind: 'unread', names: this.unread };
    const progress = { doneBytes: 0, totalBytes: directory.totalBytes };
    for (const recordType of ['trades', 'quotes'] as const) {
      const rows = recordType === 'trades' ? new TradeRows(this.rowsMax) : new QuoteRows(this.rowsMax);
      for (const file of directory.files) {
        if (file.recordType !== recordType || signal.aborted) continue;
        yield* this.load(directory.source, file, this.parser(file, directory, rows), rows, progress, signal);
      }
      const taken = rows.take();
      if (taken !== null) yield { kind: 'ticks', ...taken };
    }
    if (!signal.aborted)
      yield { kind: 'progress', source: this.name, doneBytes: progress.totalBytes, totalBytes: progress.totalBytes };
  }

  private parser(file: AsxDirectoryFile, { symbols }: AsxDirectory, rows: TradeRows | QuoteRows): AsxFileParser {
    const parser =
      rows instanceof TradeRows
        ? new TradeFileParser(file, symbols, this.calendar, rows)
        : new QuoteFileParser(file, symbols, this.calendar, rows);
    this.parsers.push(parser);
    return parser;
  }

  private async *load(
    source: SourceDirectory,
    file: AsxDirectoryFile,
    parser: AsxFileParser,
    rows: TradeRows | QuoteRows,
    progress: { doneBytes: number; readonly totalBytes: number },
    signal: AbortSignal,
  ): AsyncGenerator<FeedEvent> {
    const buffer = new Uint8Array(Math.min(this.readBytes, Math.max(file.sizeBytes, LINE_BYTES_MAX) + 1));
    const opened = await source.openFile(file.path);
    try {
      let length = 0;
      let isLast = false;
      while (!isLast && !signal.aborted) {
        const read = await opened.fill(buffer, length);
        length += read;
        isLast = opened.isAtEnd;
        const receiveTimeUs = this.clock.nowUs();
        let at = 0;
        let isDue = true;
        while (isDue && !signal.aborted) {
          at = parser.parse(buffer.subarray(0, length), at, isLast, receiveTimeUs);
          isDue = parser.isDue;
          const rejections = parser.takeRejections();
          if (rejections.length > 0) yield { kind: 'rejections', rejections };
          const taken = rows.builder.isFull ? rows.take() : null;
          if (taken !== null) yield { kind: 'ticks', ...taken };
        }
        if (parser.endlessLine !== null)
          throw unusable(
            opened.path,
            `line ${parser.endlessLine} is longer than ${CSV_LINE_BYTES_MAX} bytes: expected CSV`,
          );
        buffer.copyWithin(0, at, length);
        length -= at;
        progress.doneBytes = Math.min(progress.totalBytes, progress.doneBytes + read);
        yield { kind: 'progress', source: this.name, ...progress };
      }
    } finally {
      await opened.close();
    }
  }
}

function requireRange(option: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new PortError<MarketFeedErrorKind>(
    'misconfigured',
    `${option} is ${value}: expected a whole number from ${min} to ${max}`,
    { option, value },
  );
}
