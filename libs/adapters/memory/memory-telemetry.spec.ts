import { describe, expect, it } from '@jest/globals';
import { telemetryContract } from '@k2/testing/contracts';
import { MemoryTelemetry } from './memory-telemetry.ts';

telemetryContract('memory', {
  create: async () => ({ telemetry: new MemoryTelemetry(), close: async () => undefined }),
});

describe('MemoryTelemetry', () => {
  it('gives back what was counted, recorded, gauged and logged', () => {
    const telemetry = new MemoryTelemetry();
    const rows = telemetry.counter('k2_sink_rows_total', 'Rows.');
    rows.add(2, { table: 'trades', partition: 0 });
    rows.add(3, { partition: 1, table: 'trades' });
    rows.add(4, { table: 'quotes', partition: 0 });
    telemetry.histogram('k2_sink_commit_ms', 'Time.', 'ms').record(12);
    telemetry.gauge('k2_sink_lag_offsets', 'Lag.', () => [[7, { partition: 0 }]]);
    telemetry.log('warn', 'late', { lagMs: 5 });
    expect(telemetry.count('k2_sink_rows_total')).toBe(9);
    expect(telemetry.count('k2_sink_rows_total', { table: 'trades' })).toBe(5);
    expect(telemetry.recorded('k2_sink_commit_ms')).toEqual([12]);
    expect(telemetry.readGauge('k2_sink_lag_offsets')).toEqual([[7, { partition: 0 }]]);
    expect(telemetry.lines).toEqual([{ level: 'warn', message: 'late', fields: { lagMs: 5 } }]);
    expect(telemetry.violations).toEqual([]);
  });

  it('notes misnamed instruments, instruments of two kinds and impossible values', () => {
    const telemetry = new MemoryTelemetry();
    telemetry.counter('rows', 'Rows.');
    telemetry.counter('k2_sink_rows_total', 'Rows.').add(-1);
    telemetry.histogram('k2_sink_rows_total', 'Rows.', 'rows');
    expect(telemetry.violations).toHaveLength(3);
  });

  it('keeps the newest lines up to its bound', () => {
    const telemetry = new MemoryTelemetry({ linesMax: 2 });
    for (const message of ['a', 'b', 'c']) telemetry.log('info', message);
    expect(telemetry.messages()).toEqual(['b', 'c']);
    expect(telemetry.linesDropped).toBe(1);
  });
});
