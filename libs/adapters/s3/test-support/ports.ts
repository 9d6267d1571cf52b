import { setTimeout } from 'node:timers/promises';
import type { Attributes, Scheduler, Telemetry } from '@k2/ports';
import type { S3ObjectStorePorts } from '../s3-object-store.ts';

/** The machine's time, and a telemetry that a spec reads. */
export function openPorts(): S3ObjectStorePorts & { readonly telemetry: CountingTelemetry } {
  const clock = { nowUs: () => Date.now() * 1_000, monotonicUs: () => Math.floor(performance.now() * 1_000) };
  const scheduler: Scheduler = {
    sleep: (ms) => setTimeout(ms),
    yield: () => setTimeout(0),
  };
  return { clock, scheduler, telemetry: new CountingTelemetry() };
}

export class CountingTelemetry implements Telemetry {
  readonly messages: string[] = [];
  private readonly sums = new Map<string, number>();
  private readonly gauges = new Map<string, () => Iterable<readonly [number, Attributes]>>();

  counter(name: string) {
    return {
      add: (value: number, attributes: Attributes = {}) => {
        const series = [name, ...Object.values(attributes)].join(' ');
        this.sums.set(series, this.sum(series) + value);
      },
    };
  }

  histogram() {
    return { record: () => undefined };
  }

  gauge(name: string, _description: string, read: () => Iterable<readonly [number, Attributes]>): void {
    this.gauges.set(name, read);
  }

  log(level: string, message: string): void {
    this.messages.push(`${level}: ${message}`);
  }

  /** Of a counter: its name, then the values of its attributes (`k2_objects_requests GetObject ok`). */
  sum(series: string): number {
    return this.sums.get(series) ?? 0;
  }

  /** What a gauge says now, over all attributes. */
  read(gauge: string): number {
    return [...this.gauges.get(gauge)!()].reduce((sum, [value]) => sum + value, 0);
  }
}
