import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Telemetry } from '@k2/ports';

const RESOLUTION_MS = 10;

/** Gauges of this process: memory, how late its event loop is, how long it has been up. */
export class ProcessMetrics {
  private readonly eventLoop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor(telemetry: Telemetry) {
    this.eventLoop.enable();
    telemetry.gauge('k2_process_rss_bytes', 'Memory of the process that is in RAM.', () => [
      [process.memoryUsage.rss(), {}],
    ]);
    telemetry.gauge('k2_process_heap_used_bytes', 'Heap in use by JavaScript.', () => [
      [process.memoryUsage().heapUsed, {}],
    ]);
    telemetry.gauge('k2_process_external_bytes', 'Memory of buffers outside the heap.', () => [
      [process.memoryUsage().external, {}],
    ]);
    telemetry.gauge('k2_process_uptime_seconds', 'Time since the process started.', () => [[process.uptime(), {}]]);
    telemetry.gauge(
      'k2_process_event_loop_lag_p99_ms',
      '99th percentile of how late timers fired, since the last collection.',
      () => [[this.takeLagP99Ms(), {}]],
    );
  }

  close(): void {
    this.eventLoop.disable();
  }

  /** The histogram holds whole intervals between two timers; what is beyond the timer's own delay is lag. */
  private takeLagP99Ms(): number {
    const p99Ms = this.eventLoop.percentile(99) / 1e6;
    this.eventLoop.reset();
    return Math.max(0, p99Ms - RESOLUTION_MS);
  }
}
