import Table from 'cli-table3';
import type { JsonRow } from '../session/session.ts';
import { isNumeric, printCell } from './cell.ts';
import type { Output } from './output.ts';

/** Rows laid out at a time: what bounds the memory, and what the column widths are taken from. */
const ROWS_AT_ONCE = 500;

const NO_BORDERS = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' },
};

/** Prints rows as an aligned table, some hundred at a time. Columns are those of the first row. */
export class RowTable {
  private readonly out: Output;
  private columns: readonly string[] = [];
  private widths: readonly number[] = [];
  private isRight: readonly boolean[] = [];
  private waiting: JsonRow[] = [];

  constructor(out: Output) {
    this.out = out;
  }

  async add(rows: readonly JsonRow[]): Promise<void> {
    for (const row of rows) {
      this.waiting.push(row);
      if (this.waiting.length === ROWS_AT_ONCE) await this.flush();
    }
  }

  /** Prints what is left. */
  async end(): Promise<void> {
    if (this.waiting.length > 0) await this.flush();
  }

  private async flush(): Promise<void> {
    const isFirst = this.columns.length === 0;
    if (isFirst) this.columns = Object.keys(this.waiting[0]!);
    const cells = this.waiting.map((row) => this.columns.map((column) => printCell(row[column])));
    this.waiting = [];
    const shown = isFirst ? [[...this.columns], ...cells] : cells;
    // Columns never become narrower, so that the parts of a long table stand under each other.
    this.widths = this.columns.map((_, at) =>
      shown.reduce((width, row) => Math.max(width, [...row[at]!].length), this.widths[at] ?? 0),
    );
    if (isFirst) this.isRight = this.columns.map((_, at) => cells.every((row) => isNumeric(row[at]!)));
    await this.out.write(`${this.layOut(shown)}\n`);
  }

  private layOut(rows: readonly string[][]): string {
    const table = new Table({
      chars: NO_BORDERS,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
      colWidths: this.widths.map((width) => Math.max(width, 1)),
      colAligns: this.isRight.map((right) => (right ? 'right' : 'left')),
    });
    for (const row of rows) table.push(row);
    return table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n');
  }
}
