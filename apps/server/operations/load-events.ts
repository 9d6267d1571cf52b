import type { LoadReport } from '@k2/composition';
import type { Clock, FeedEvent } from '@k2/ports';
import { withField } from '../http/about-request.ts';
import { problemDetails, problemOf } from '../http/problem.ts';
import { publicErrorOrNull } from '../http/public-error.ts';

/** Progress is told at most this often. */
const PROGRESS_INTERVAL_US = 100_000;

type Outcome = { readonly report: LoadReport } | { readonly error: unknown };

/**
 * The story of one load as NDJSON lines: `started`, `waiting` while another is loaded before it, `progress` now and then, and last `finished` or `failed`. Progress
 * is cumulative, so a slow reader skips lines instead of holding the load up.
 */
export class LoadEvents {
  isSettling = false;
  private readonly feed: string;
  private readonly clock: Clock;
  private readonly request: { readonly instance: string; readonly correlationId: string };
  private ticks = 0;
  private doneBytes = 0;
  private totalBytes = 0;
  private ahead: string | null = null;
  private hasNews = false;
  private toldUs = -Infinity;
  private outcome: Outcome | null = null;
  private wake: () => void = () => {};

  constructor(feed: string, clock: Clock, request: { readonly instance: string; readonly correlationId: string }) {
    this.feed = feed;
    this.clock = clock;
    this.request = request;
  }

  take(event: FeedEvent): void {
    this.ahead = null;
    if (event.kind === 'ticks') this.ticks += event.batch.rowCount;
    if (event.kind === 'progress') {
      this.doneBytes = event.doneBytes;
      this.totalBytes = event.totalBytes;
    }
    this.hasNews = true;
    if (this.clock.monotonicUs() - this.toldUs >= PROGRESS_INTERVAL_US) this.wake();
  }

  /** Another feed is loaded before this one. */
  waits(ahead: string): void {
    this.ahead = ahead;
    this.hasNews = true;
    this.wake();
  }

  /** Resolves when the load has ended and its outcome is noted; never rejects. */
  async settle(report: Promise<LoadReport>): Promise<void> {
    this.isSettling = true;
    this.outcome = await report.then(
      (done) => ({ report: done }),
      (error: unknown) => ({ error }),
    );
    this.wake();
  }

  /** Resolves at the first event; rejects where the load failed before it, so that the caller gets a problem. */
  async begun(): Promise<void> {
    if (!this.hasNews && this.outcome === null) await this.news();
    if (this.outcome !== null && 'error' in this.outcome && this.ticks === 0) throw this.outcome.error;
  }

  async *lines(): AsyncGenerator<string> {
    yield line({ event: 'started', feed: this.feed });
    for (;;) {
      if (this.outcome !== null) break;
      if (this.hasNews) {
        this.hasNews = false;
        this.toldUs = this.clock.monotonicUs();
        yield line(
          this.ahead === null ? { event: 'progress', ...this.progress() } : { event: 'waiting', ahead: this.ahead },
        );
      }
      if (this.outcome === null) await this.news();
    }
    yield line(this.lastEvent(this.outcome));
  }

  private progress() {
    return { acknowledgedTicks: this.ticks, doneBytes: this.doneBytes, totalBytes: this.totalBytes };
  }

  private lastEvent(outcome: Outcome): object {
    if ('report' in outcome) {
      const { error, ...report } = outcome.report;
      return { event: report.committed ? 'finished' : 'stopped', ...report, error: publicErrorOrNull(error) };
    }
    const { instance, correlationId } = this.request;
    return {
      event: 'failed',
      ...this.progress(),
      problem: problemDetails(withField(problemOf(outcome.error), { feed: this.feed }), instance, correlationId),
    };
  }

  private news(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }
}

function line(event: object): string {
  return `${JSON.stringify(event)}\n`;
}
