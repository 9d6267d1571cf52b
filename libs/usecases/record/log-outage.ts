import type { Clock, PortError, Telemetry } from '@k2/ports';

/** What the end of an outage says of it. */
interface Outage {
  readonly sinceUs: number;
  readonly topics: Set<string>;
  kind: string;
  appends: number;
  failedAttempts: number;
}

/**
 * The time in which the log does not take what a feed has brought: a line when it begins, one whenever it is for another
 * reason, and one when it is over, however many appends to however many topics are tried again meanwhile.
 */
export class LogOutage {
  private readonly feed: string;
  private readonly clock: Clock;
  private readonly telemetry: Telemetry;
  private current: Outage | null = null;
  /** Appends that failed and are being repeated. */
  private waiting = 0;

  constructor(feed: string, { clock, telemetry }: { readonly clock: Clock; readonly telemetry: Telemetry }) {
    this.feed = feed;
    this.clock = clock;
    this.telemetry = telemetry;
  }

  get isOn(): boolean {
    return this.waiting > 0;
  }

  /** An attempt failed; `isFirst` of its append. */
  failed(topic: string, { kind, message }: PortError, isFirst: boolean): void {
    const nowUs = this.clock.monotonicUs();
    const outage = (this.current ??= { sinceUs: nowUs, topics: new Set(), kind: '', appends: 0, failedAttempts: 0 });
    if (isFirst) {
      this.waiting++;
      outage.appends++;
    }
    outage.failedAttempts++;
    outage.topics.add(topic);
    if (outage.kind === kind) return;
    outage.kind = kind;
    const facts = { feed: this.feed, topic, kind, error: message };
    this.telemetry.log('warn', 'the log takes no appends; they are tried again until it does', facts);
  }

  /** An append that had failed is done: the log took it, or it is given up. */
  ended(wasTaken: boolean): void {
    if (--this.waiting > 0 || this.current === null) return;
    const { sinceUs, topics, appends, failedAttempts } = this.current;
    this.current = null;
    const outageMs = Math.round((this.clock.monotonicUs() - sinceUs) / 1_000);
    const facts = { feed: this.feed, outageMs, appends, failedAttempts, topics: topics.size };
    if (wasTaken) this.telemetry.log('info', 'the log takes appends again', facts);
    else this.telemetry.log('warn', 'appends that the log did not take are given up', facts);
  }
}
