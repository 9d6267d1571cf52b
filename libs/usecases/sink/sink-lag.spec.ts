import { ManualClock, MemoryTelemetry } from '@k2/adapter-memory';
import { SinkLag } from './sink-lag.ts';

const NOW_US = 1_767_225_600_000_000;

describe('SinkLag', () => {
  let clock: ManualClock;
  let telemetry: MemoryTelemetry;
  let lag: SinkLag;
  beforeEach(() => {
    clock = new ManualClock(NOW_US);
    telemetry = new MemoryTelemetry();
    lag = new SinkLag(clock, telemetry);
  });

  /** A partition each, of five records that are not committed; the first of them was appended then. */
  function behind(...appended: readonly (number | null)[]): void {
    appended.forEach((appendedUs, partition) => {
      lag.claimed(`t/${partition}`, 0);
      lag.ends([{ topic: 't', partition, topicId: 'id', startOffset: 0, endOffset: 5 }]);
      lag.taken(`t/${partition}`, appendedUs);
    });
  }

  it('is the age of the oldest record that was taken and not committed', () => {
    behind(NOW_US - 3_000_000, NOW_US - 2_000);
    expect(lag.total).toEqual({ offsets: 10, ms: 3_000 });
    lag.committing('t/0');
    lag.committed('t/0', 5);
    expect(lag.total).toEqual({ offsets: 5, ms: 2 });
  });

  it('sink-lag.no-timestamp: is not known of records without a time, through all that becomes of them', () => {
    behind(null);
    expect(lag.total).toEqual({ offsets: 5, ms: null });
    lag.committing('t/0');
    expect(lag.total).toEqual({ offsets: 5, ms: null });
    lag.rewound('t/0');
    expect(lag.total).toEqual({ offsets: 5, ms: null });
    lag.committed('t/0', 5);
    expect(lag.total).toEqual({ offsets: 0, ms: 0 });
  });

  it('sink-lag.no-timestamp: reports no age of such a partition, and that of the others', () => {
    behind(null, NOW_US - 2_000);
    expect(lag.total).toEqual({ offsets: 10, ms: 2 });
    expect(telemetry.readGauge('k2_sink_lag_ms')).toEqual([[2, { partition: 't/1' }]]);
    expect(telemetry.readGauge('k2_sink_lag_offsets')).toHaveLength(2);
  });

  it('is not known of a partition of which nothing was read yet', () => {
    lag.claimed('t/0', 0);
    lag.ends([{ topic: 't', partition: 0, topicId: 'id', startOffset: 0, endOffset: 5 }]);
    expect(lag.total).toEqual({ offsets: 5, ms: null });
  });
});
