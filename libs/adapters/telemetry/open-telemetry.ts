import type { Attributes as OtelAttributes, Meter, ObservableGauge } from '@opentelemetry/api';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { Attributes, Clock, Counter, Histogram, LogLevel, Telemetry } from '@k2/ports';
import { currentCorrelationId } from './correlation.ts';
import { jsonLine, LOG_LEVELS, prettyLine } from './log-lines.ts';
import { ProcessMetrics } from './process-metrics.ts';

/** Where log lines go; `write` returns at once. */
export interface LogSink {
  readonly isTTY?: boolean;
  /** Bytes taken and not yet passed on. */
  readonly writableLength?: number;
  write(line: string): unknown;
}

export interface OpenTelemetryOptions {
  readonly clock: Clock;
  /** Lines below this level are not written. Default `info`. */
  readonly logLevel?: LogLevel;
  /** `json`: one object a line. `pretty`: for eyes. Default: pretty where the sink is a terminal. */
  readonly logFormat?: 'json' | 'pretty';
  /** Default: stderr. */
  readonly logSink?: LogSink;
  /** Bound on what a slow sink has not taken; lines beyond it are dropped and counted. Default 8 MiB. */
  readonly logBufferBytesMax?: number;
  /** Bound on series per metric; further ones are added up in one marked `otel_metric_overflow`. Default 2,000. */
  readonly seriesMax?: number;
}

/** Bucket bounds by unit. 100 and 500 ms are the targets from exchange to queryable. */
const BUCKETS: Readonly<Record<'ms' | 'bytes' | 'rows', number[]>> = {
  ms: [0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000],
  bytes: [10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30].map((power) => 2 ** power),
  rows: [1, 10, 100, 500, 1_000, 5_000, 10_000, 65_536, 262_144, 1_048_576],
};

const METRIC_NAME = /^k2(_[a-z0-9]+){2,}$/;
const NO_COUNTER: Counter = { add: () => undefined };
const NO_HISTOGRAM: Histogram = { record: () => undefined };

type Kind = 'counter' | 'histogram' | 'gauge';
type DropReason = 'invalid-instrument' | 'invalid-value' | 'gauge-failed' | 'log-failed' | 'log-sink-full';

/**
 * Telemetry by the OpenTelemetry SDK, given out in Prometheus' text format, with log lines to stderr. Has no server
 * of its own. Nothing in here throws: what cannot be taken is dropped and counted in `k2_telemetry_dropped_total`.
 */
export class OpenTelemetryTelemetry implements Telemetry {
  private readonly clock: Clock;
  private readonly logLevel: number;
  private readonly logSink: LogSink;
  private readonly pretty: boolean;
  private readonly colour: boolean;
  private readonly logBufferBytesMax: number;
  private readonly reader: PullReader;
  private readonly provider: MeterProvider;
  private readonly meter: Meter;
  private readonly serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  private readonly kinds = new Map<string, Kind>();
  private readonly counters = new Map<string, Counter>();
  private readonly histograms = new Map<string, Histogram>();
  private readonly gauges = new Map<string, ObservableGauge>();
  private readonly dropped: Counter;
  private readonly logLines: Counter;
  private readonly processMetrics: ProcessMetrics;

  constructor(options: OpenTelemetryOptions) {
    const {
      clock,
      logLevel = 'info',
      logSink = process.stderr,
      logBufferBytesMax = 8 << 20,
      seriesMax = 2_000,
    } = options;
    this.clock = clock;
    this.logLevel = LOG_LEVELS.indexOf(logLevel);
    this.logSink = logSink;
    this.pretty = (options.logFormat ?? (logSink.isTTY === true ? 'pretty' : 'json')) === 'pretty';
    this.colour = logSink.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
    this.logBufferBytesMax = logBufferBytesMax;
    this.reader = new PullReader({ cardinalitySelector: () => seriesMax });
    this.provider = new MeterProvider({ readers: [this.reader] });
    this.meter = this.provider.getMeter('k2');
    this.dropped = this.counter(
      'k2_telemetry_dropped_total',
      'Metrics and log lines that could not be taken, by reason.',
    );
    this.logLines = this.counter('k2_log_lines_total', 'Log lines by level, also those below the level written.');
    this.processMetrics = new ProcessMetrics(this);
  }

  counter(name: string, description: string): Counter {
    if (!this.admits(name, 'counter')) return NO_COUNTER;
    const known = this.counters.get(name);
    if (known !== undefined) return known;
    const instrument = this.meter.createCounter(name, { description });
    const counter: Counter = {
      add: (value, attributes) => {
        if (value >= 0 && value < Infinity) instrument.add(value, otel(attributes));
        else this.drop('invalid-value');
      },
    };
    this.counters.set(name, counter);
    return counter;
  }

  histogram(name: string, description: string, unit: 'ms' | 'bytes' | 'rows'): Histogram {
    if (!this.admits(name, 'histogram')) return NO_HISTOGRAM;
    const known = this.histograms.get(name);
    if (known !== undefined) return known;
    const advice = { explicitBucketBoundaries: BUCKETS[unit] };
    const instrument = this.meter.createHistogram(name, { description, unit, advice });
    const histogram: Histogram = {
      record: (value, attributes) => {
        // A clock that steps back makes a duration negative; the SDK would drop it without a word.
        if (value >= 0 && value < Infinity) instrument.record(value, otel(attributes));
        else this.drop('invalid-value');
      },
    };
    this.histograms.set(name, histogram);
    return histogram;
  }

  /** Several may share a name: all are read. */
  gauge(name: string, description: string, read: () => Iterable<readonly [number, Attributes]>): void {
    if (!this.admits(name, 'gauge')) return;
    const gauge = this.gauges.get(name) ?? this.meter.createObservableGauge(name, { description });
    this.gauges.set(name, gauge);
    gauge.addCallback((result) => {
      try {
        for (const [value, attributes] of read()) result.observe(value, otel(attributes));
      } catch (error) {
        this.drop('gauge-failed');
        this.log('warn', `gauge ${name} could not be read`, { error });
      }
    });
  }

  log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.logLines.add(1, { level });
    if (LOG_LEVELS.indexOf(level) < this.logLevel) return;
    if ((this.logSink.writableLength ?? 0) > this.logBufferBytesMax) {
      this.drop('log-sink-full');
      return;
    }
    try {
      const entry = { timeUs: this.clock.nowUs(), level, message, correlationId: currentCorrelationId(), fields };
      this.logSink.write(`${this.pretty ? prettyLine(entry, this.colour) : jsonLine(entry)}\n`);
    } catch {
      // A field whose getter throws, a closed pipe: the counter is all that is left to say so.
      this.drop('log-failed');
    }
  }

  /** Everything collected so far, in Prometheus' text format 0.0.4. */
  async prometheusText(): Promise<string> {
    try {
      const { resourceMetrics } = await this.reader.collect();
      return `${this.serializer.serialize(resourceMetrics).trimEnd()}\n`;
    } catch (error) {
      this.log('error', 'metrics could not be collected', { error });
      return '# metrics could not be collected: see the log\n';
    }
  }

  async close(): Promise<void> {
    this.processMetrics.close();
    await this.provider.shutdown().catch(() => undefined);
  }

  private admits(name: string, kind: Kind): boolean {
    const known = this.kinds.get(name);
    if (METRIC_NAME.test(name) && (known === undefined || known === kind)) {
      this.kinds.set(name, kind);
      return true;
    }
    this.drop('invalid-instrument');
    const why = known === undefined ? 'names are k2_<thing>_<unit>, lower case' : `it is a ${known} already`;
    this.log('error', `${kind} ${name} is not recorded: ${why}`, { name });
    return false;
  }

  private drop(reason: DropReason): void {
    this.dropped.add(1, { reason });
  }
}

/** Collects when asked to, and never by itself. */
class PullReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {
    // Nothing is under way.
  }
  protected override async onForceFlush(): Promise<void> {
    // Nothing is buffered.
  }
}

function otel(attributes: Attributes | undefined): OtelAttributes {
  return attributes === undefined ? {} : { ...attributes };
}
