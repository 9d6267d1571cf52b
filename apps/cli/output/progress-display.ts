import { SingleBar } from 'cli-progress';
import type { Clock } from '@k2/ports';
import type { LoadProgress } from '../session/session.ts';
import { printCell } from './cell.ts';
import { printCount } from './describe-provenance.ts';
import type { Output } from './output.ts';

/** Between two lines where there is no terminal to draw a bar on. */
export const LINE_INTERVAL_US = 2_000_000;
const MIB = 1_048_576;

/** How far a load is, on stderr: a bar on a terminal, a line every two seconds elsewhere. */
export class ProgressDisplay {
  private readonly out: Output;
  private readonly clock: Pick<Clock, 'monotonicUs'>;
  private startUs: number;
  private readonly bar: SingleBar | null;
  private lineUs: number;
  private isStarted = false;
  private ahead: string | undefined;

  constructor(out: Output, clock: Pick<Clock, 'monotonicUs'>) {
    this.out = out;
    this.clock = clock;
    this.startUs = clock.monotonicUs();
    this.lineUs = this.startUs;
    this.bar = out.isTerminal ? newBar(out) : null;
  }

  update(progress: LoadProgress): void {
    const { ahead } = progress;
    if (ahead !== undefined) {
      if (ahead !== this.ahead)
        this.out.line(`waiting for another load to end: ${printCell(ahead)}`).catch(() => undefined);
      this.ahead = ahead;
      this.startUs = this.clock.monotonicUs();
    } else if (this.bar !== null) this.draw(this.bar, progress);
    else if (progress.totalBytes > 0 && this.clock.monotonicUs() - this.lineUs >= LINE_INTERVAL_US) {
      this.lineUs = this.clock.monotonicUs();
      // A progress line that can't be written stops nothing.
      this.out.line(this.describe(progress)).catch(() => undefined);
    }
  }

  /** Leaves the last state on the terminal. Calling it again does nothing. */
  stop(): void {
    if (this.isStarted) this.bar?.stop();
    this.isStarted = false;
  }

  private draw(bar: SingleBar, { doneBytes, totalBytes, rows }: LoadProgress): void {
    const payload = { mib: mib(doneBytes), totalMib: mib(totalBytes), rows: printCount(rows), rate: this.rate(rows) };
    if (!this.isStarted) bar.start(totalBytes, doneBytes, payload);
    else {
      bar.setTotal(totalBytes);
      bar.update(doneBytes, payload);
    }
    this.isStarted = true;
  }

  private describe({ doneBytes, totalBytes, rows }: LoadProgress): string {
    const percent = totalBytes === 0 ? 0 : Math.floor((100 * doneBytes) / totalBytes);
    return `${percent} %  ${mib(doneBytes)} of ${mib(totalBytes)} MiB  ${printCount(rows)} rows  ${this.rate(rows)} rows/s`;
  }

  private rate(rows: number): string {
    const seconds = Math.max((this.clock.monotonicUs() - this.startUs) / 1e6, 0.001);
    return printCount(Math.round(rows / seconds));
  }
}

function newBar(out: Output): SingleBar {
  return new SingleBar({
    stream: out.stream as NodeJS.WritableStream,
    format: '{bar} {percentage} %  {mib}/{totalMib} MiB  {rows} rows  {rate} rows/s',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    // Ctrl-C is the command's to handle.
    gracefulExit: false,
  });
}

export function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
