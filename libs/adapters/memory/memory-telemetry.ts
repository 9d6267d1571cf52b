import type { Attributes, Counter, Histogram, LogLevel, Telemetry } from '@k2/ports';

export interface MemoryLogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const METRIC_NAME = /^k2(_[a-z0-9]+){2,}$/;

/** Telemetry that tests read. Never throws either: a test looks at `violations`. */
export class MemoryTelemetry implements Telemetry {
  /** The newest lines, up to `linesMax`; older ones are dropped and counted in `linesDropped`. */
  readonly lines: MemoryLogLine[] = [];
  linesDropped = 0;
  /** Misnamed instruments, instruments of two kinds, impossible values. */
  readonly violations: string[] = [];
  private readonly linesMax: number;
  private readonly kinds = new Map<string, string>();
  private readonly counts = new Map<string, [Attributes, number][]>();
  private readonly records = new Map<string, [Attributes, number][]>();
  private readonly gauges = new Map<string, (() => Iterable<readonly [number, Attributes]>)[]>();

  constructor({ linesMax = 10_000 }: { readonly linesMax?: number } = {}) {
    this.linesMax = linesMax;
  }

  counter(name: string, _description: string): Counter {
    const series = listOf(this.counts, this.named(name, 'counter'));
    return {
      add: (value, attributes = {}) => {
        if (!(value >= 0 && value < Infinity)) this.violate(`${name}: ${value} was added to a counter`);
        const known = series.find(([of]) => equal(of, attributes));
        if (known === undefined) series.push([attributes, value]);
        else known[1] += value;
      },
    };
  }

  /** Keeps the newest 100,000 values of each. */
  histogram(name: string, _description: string, _unit: 'ms' | 'bytes' | 'rows'): Histogram {
    const values = listOf(this.records, this.named(name, 'histogram'));
    return {
      record: (value, attributes = {}) => {
        if (!(value >= 0 && value < Infinity)) this.violate(`${name}: ${value} was recorded`);
        values.push([attributes, value]);
        if (values.length > 100_000) values.shift();
      },
    };
  }

  gauge(name: string, _description: string, read: () => Iterable<readonly [number, Attributes]>): void {
    listOf(this.gauges, this.named(name, 'gauge')).push(read);
  }

  log(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.lines.push({ level, message, fields });
    if (this.lines.length <= this.linesMax) return;
    this.lines.shift();
    this.linesDropped++;
  }

  /** Sum over the series of a counter that have these attributes, and maybe others. */
  count(name: string, attributes: Attributes = {}): number {
    return matching(this.counts.get(name), attributes).reduce((sum, value) => sum + value, 0);
  }

  /** Values recorded in a histogram, oldest first. */
  recorded(name: string, attributes: Attributes = {}): number[] {
    return matching(this.records.get(name), attributes);
  }

  /** What a collection now would read. Throws what `read` throws. */
  readGauge(name: string): (readonly [number, Attributes])[] {
    return (this.gauges.get(name) ?? []).flatMap((read) => [...read()]);
  }

  messages(level?: LogLevel): string[] {
    return this.lines.filter((line) => level === undefined || line.level === level).map((line) => line.message);
  }

  private named(name: string, kind: string): string {
    const known = this.kinds.get(name) ?? kind;
    if (known !== kind) this.violate(`${name} is a ${known}, and is asked for as a ${kind}`);
    if (!METRIC_NAME.test(name)) this.violate(`${name} is not a name like k2_<thing>_<unit>`);
    this.kinds.set(name, known);
    return name;
  }

  private violate(what: string): void {
    if (this.violations.length < 1_000) this.violations.push(what);
  }
}

function listOf<Item>(lists: Map<string, Item[]>, name: string): Item[] {
  const list = lists.get(name) ?? [];
  lists.set(name, list);
  return list;
}

function matching(series: readonly (readonly [Attributes, number])[] = [], attributes: Attributes): number[] {
  const wanted = Object.entries(attributes);
  return series.filter(([of]) => wanted.every(([name, value]) => of[name] === value)).map(([, value]) => value);
}

function equal(a: Attributes, b: Attributes): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
