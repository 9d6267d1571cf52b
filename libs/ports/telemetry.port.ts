export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface Counter {
  add(value: number, attributes?: Attributes): void;
}
export interface Histogram {
  record(value: number, attributes?: Attributes): void;
}

/**
 * Metrics and log lines. Instruments are named `k2_<thing>_<unit>` and asked for once, at construction.
 * Never throws and never blocks: telemetry that cannot be delivered is dropped by the adapter and counted there.
 */
export interface Telemetry {
  counter(name: string, description: string): Counter;
  histogram(name: string, description: string, unit: 'ms' | 'bytes' | 'rows'): Histogram;
  /** `read` is called at each collection. */
  gauge(name: string, description: string, read: () => Iterable<readonly [number, Attributes]>): void;
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
}
