import { SingleBar } from 'cli-progress';
import type { Clock } from '@k2/ports';
import type { MaintenanceRunProgress } from '@k2/usecases';
import { printCount } from './describe-provenance.ts';
import type { Output } from './output.ts';
import { LINE_INTERVAL_US, mib } from './progress-display.ts';

/** How far maintenance is, on stderr: a bar on a terminal, a line every two seconds elsewhere. */
export class MaintenanceDisplay {
  private readonly out: Output;
  private readonly clock: Pick<Clock, 'monotonicUs'>;
  private readonly bar: SingleBar | null;
  private lineUs: number;
  private isShown = false;

  constructor(out: Output, clock: Pick<Clock, 'monotonicUs'>) {
    this.out = out;
    this.clock = clock;
    this.lineUs = clock.monotonicUs();
    this.bar = out.isTerminal ? newBar(out) : null;
  }

  update(progress: MaintenanceRunProgress): void {
    if (this.bar !== null) this.draw(this.bar, progress);
    else if (progress.step !== null && this.clock.monotonicUs() - this.lineUs >= LINE_INTERVAL_US) {
      this.lineUs = this.clock.monotonicUs();
      // A progress line that can't be written stops nothing.
      this.out.line(described(progress)).catch(() => undefined);
    }
  }

  /** Takes the bar off the terminal; the next update draws it again. */
  clear(): void {
    if (this.isShown) this.bar?.stop();
    this.isShown = false;
  }

  private draw(bar: SingleBar, progress: MaintenanceRunProgress): void {
    const { stepsDone, stepsTotal } = progress;
    const payload = { step: described(progress) };
    if (this.isShown) bar.update(stepsDone, payload);
    else bar.start(stepsTotal, stepsDone, payload);
    this.isShown = true;
  }
}

/** As `step 7 of 25: compact market_data.trades, 12 of 40 files, 45.8 of 152.6 MiB`. */
export function described({ stepsDone, stepsTotal, step }: MaintenanceRunProgress): string {
  if (step === null) return `${stepsDone} of ${stepsTotal} steps done`;
  const { task, table, progress } = step;
  const at = `step ${stepsDone + 1} of ${stepsTotal}: ${task} ${table}`;
  if (progress === null) return at;
  const files = `${printCount(progress.doneFiles)} of ${printCount(progress.totalFiles)} files`;
  return `${at}, ${files}, ${mib(progress.doneBytes)} of ${mib(progress.totalBytes)} MiB`;
}

function newBar(out: Output): SingleBar {
  return new SingleBar({
    stream: out.stream as NodeJS.WritableStream,
    format: '{bar} {step}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    // Ctrl-C is the command's to handle.
    gracefulExit: false,
  });
}
