import type { RecordType, Series } from '@k2/domain/market';
import { spanOf, type RecordedSession } from './recorded-session.ts';

/** One value that is another in the source than in the lake. */
export interface FieldDifference {
  readonly field: string;
  readonly source: string;
  readonly lake: string;
}

export interface RowDifference {
  /** As `asx:trades/7078.csv:12`. */
  readonly at: string;
  readonly sequence: number;
  readonly fields: readonly FieldDifference[];
}

/**
 * Why a session of a source is not what the lake has of it. `rows-inserted`, `rows-removed`: of rows numbered by arrival,
 * those behind have other numbers. `rows-changed`: under the same numbers stand other values. `rows-missing`: the source
 * has fewer. `rows-refused-before`: a number came, and its row is in no table: it was refused, or removed by retention.
 */
export type SessionDifferenceKind =
  'rows-inserted' | 'rows-removed' | 'rows-changed' | 'rows-missing' | 'rows-refused-before';

/** Nothing of what differs was taken: the lake keeps what it has. */
export interface SessionDifference {
  readonly recordType: RecordType;
  readonly exchange: string;
  readonly symbol: string;
  readonly session: string;
  readonly kind: SessionDifferenceKind;
  /** Where the first row stands that differs; null where all that the source has is as in the lake. */
  readonly at: string | null;
  /** Last numbers of the session. */
  readonly sourceLastSequence: number;
  readonly lakeLastSequence: number;
  /** Rows with other values than the lake has under their number. */
  readonly changedRows: number;
  /** Rows inserted or removed, and rows that moved for it. */
  readonly movedBy: number;
  readonly movedRows: number;
  /** Rows of the lake under whose number the source has none. */
  readonly missingRows: number;
  readonly refusedRows: number;
  /** Rows that the lake has not, and that were not taken: the rows before them say another thing than the lake. */
  readonly heldBackRows: number;
  /** The first rows that changed, field by field. */
  readonly rows: readonly RowDifference[];
}

/** `taken`: for sequencing to decide. */
export type Verdict = 'taken' | 'changed' | 'refused-before' | 'held-back';

const SHIFT_MAX = 8;
const ROWS_NAMED = 3;

/** The rows of one session of a source, in their order, against those that the lake has of it. */
export class SessionComparison {
  readonly recordType: RecordType;
  readonly series: Series;
  readonly span: { readonly fromUs: number; readonly toUs: number };
  /** The first rows that changed. */
  readonly changed: { readonly at: string; readonly sequence: number; readonly values: readonly string[] }[] = [];
  newRows = 0;
  private firstAt: string | null = null;
  private lastSequence = 0;
  private equalRows = 0;
  private changedRows = 0;
  private refusedRows = 0;
  private heldBackRows = 0;
  /** Of the lake; the session itself may be forgotten meanwhile. */
  private readonly rowCount: number;
  private readonly lakeLastSequence: number;
  /** By how many numbers a row has moved → rows since the first change that the lake has that many numbers before. */
  private readonly shifts = new Map<number, number>();

  constructor(recordType: RecordType, series: Series, lake: RecordedSession) {
    this.recordType = recordType;
    this.series = series;
    this.span = spanOf([lake]);
    this.rowCount = lake.rowCount;
    this.lakeLastSequence = lake.lastSequence;
  }

  /** `isRefused`: the sink will refuse the row for its values, as it may have done before. */
  row(
    lake: RecordedSession,
    sequence: number,
    low: number,
    high: number,
    isRefused: boolean,
    at: () => string,
  ): Verdict {
    const isSame = lake.has(sequence, low, high);
    this.lastSequence = Math.max(this.lastSequence, sequence);
    if (this.changedRows > 0 || isSame === false) this.countShifts(lake, sequence, low, high);
    if (isSame === true) {
      this.equalRows++;
      return 'taken';
    }
    if (isSame === false) {
      this.changedRows++;
      this.firstAt ??= at();
      return 'changed';
    }
    if (isRefused) return 'taken';
    if (lake.hasSeen(sequence)) {
      this.refusedRows++;
      this.firstAt ??= at();
      return 'refused-before';
    }
    if (this.changedRows > 0) {
      this.heldBackRows++;
      return 'held-back';
    }
    this.newRows++;
    return 'taken';
  }

  get wantsValues(): boolean {
    return this.changed.length < ROWS_NAMED;
  }

  /** Rows that are not in the log, though the source has them. */
  get notTakenRows(): number {
    return this.changedRows + this.refusedRows + this.heldBackRows;
  }

  /** Null where the lake has what the source has, or less. Of a source that was read to its end. */
  difference(rows: readonly RowDifference[]): SessionDifference | null {
    const missingRows = this.rowCount - this.equalRows - this.changedRows;
    const [movedBy, movedRows] = this.move();
    const kind = this.kind(movedBy, missingRows);
    if (kind === null) return null;
    const { recordType, changedRows, refusedRows, heldBackRows } = this;
    const { exchange, symbol, session } = this.series;
    const ends = { sourceLastSequence: this.lastSequence, lakeLastSequence: this.lakeLastSequence };
    const counts = { changedRows, movedBy: Math.abs(movedBy), movedRows, missingRows, refusedRows, heldBackRows };
    return { recordType, exchange, symbol, session, kind, at: this.firstAt, ...ends, ...counts, rows };
  }

  private kind(movedBy: number, missingRows: number): SessionDifferenceKind | null {
    if (movedBy > 0) return 'rows-inserted';
    if (movedBy < 0) return 'rows-removed';
    if (this.changedRows > 0) return 'rows-changed';
    if (missingRows > 0) return 'rows-missing';
    return this.refusedRows > 0 ? 'rows-refused-before' : null;
  }

  private countShifts(lake: RecordedSession, sequence: number, low: number, high: number): void {
    for (let by = -SHIFT_MAX; by <= SHIFT_MAX; by++) {
      if (by !== 0 && lake.has(sequence - by, low, high) === true) this.shifts.set(by, (this.shifts.get(by) ?? 0) + 1);
    }
  }

  /** Rows moved where most of those that changed stand that many numbers away, and the session is as much longer. */
  private move(): readonly [by: number, rows: number] {
    const by = this.lastSequence - this.lakeLastSequence;
    const rows = this.shifts.get(by) ?? 0;
    return by !== 0 && rows > 0 && 2 * rows >= this.changedRows ? [by, rows] : [0, 0];
  }
}
