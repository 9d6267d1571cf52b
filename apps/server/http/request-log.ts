import type { Counter, Histogram, Telemetry } from '@k2/ports';
import type { ApiContext } from '../api-context.ts';

export interface AnsweredRequest {
  /** Correlation id. */
  readonly id: string;
  readonly method: string;
  /** As the routes have it; never what the caller wrote. */
  readonly route: string;
  readonly status: number;
  /** From its head to the last byte of the answer; 0 of what never became a request. */
  readonly ms: number;
}

/** One log line, one count and one latency of every answer, also of what was refused before it was a request. */
export class RequestLog {
  private readonly context: Pick<ApiContext, 'runWithCorrelationId'>;
  private readonly telemetry: Telemetry;
  private readonly requests: Counter;
  private readonly latency: Histogram;

  constructor(context: Pick<ApiContext, 'runWithCorrelationId' | 'platform'>) {
    this.context = context;
    this.telemetry = context.platform.ports.telemetry;
    this.requests = this.telemetry.counter('k2_http_requests_total', 'Requests answered, by method, route and status.');
    this.latency = this.telemetry.histogram('k2_http_request_ms', 'From request to the last byte handed over.', 'ms');
  }

  answered({ id, ms, ...attributes }: AnsweredRequest, outcome: string): void {
    this.requests.add(1, attributes);
    this.latency.record(ms, attributes);
    const level = /^\/(?:health|metrics|docs)/.test(attributes.route) ? 'debug' : 'info';
    this.context.runWithCorrelationId(id, () =>
      this.telemetry.log(level, outcome, { ...attributes, ms: Math.round(ms * 1_000) / 1_000 }),
    );
  }
}
