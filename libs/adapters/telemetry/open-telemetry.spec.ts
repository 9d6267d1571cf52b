import { afterEach, describe, expect, it } from '@jest/globals';
import { PortError, type Clock } from '@k2/ports';
import { runWithCorrelationId } from './correlation.ts';
import { LOG_LINE_LENGTH_MAX } from './log-lines.ts';
import { OpenTelemetryTelemetry, type OpenTelemetryOptions } from './open-telemetry.ts';

const clock: Clock = { nowUs: () => 1_394_398_634_754_321, monotonicUs: () => 0 };
const opened: OpenTelemetryTelemetry[] = [];

function open(options: Partial<OpenTelemetryOptions> = {}) {
  const lines: string[] = [];
  const logSink = { write: (line: string) => lines.push(line) };
  const telemetry = new OpenTelemetryTelemetry({ clock, logSink, ...options });
  opened.push(telemetry);
  const samples = async () =>
    (await telemetry.prometheusText()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { telemetry, lines, samples, entries: () => lines.map((line): Record<string, unknown> => JSON.parse(line)) };
}

afterEach(async () => {
  for (const telemetry of opened.splice(0)) await telemetry.close();
});

describe('metrics', () => {
  it('gives counters, gauges and histograms out as Prometheus text', async () => {
    const { telemetry } = open();
    telemetry.counter('k2_sink_rows_total', 'Rows committed.').add(3, { table: 'trades' });
    telemetry.counter('k2_sink_rows_total', 'Rows committed.').add(4, { table: 'trades' });
    telemetry.gauge('k2_sink_lag_offsets', 'Lag.', () => [
      [7, { partition: 0 }],
      [9, { partition: 1 }],
    ]);
    const commit = telemetry.histogram('k2_sink_commit_ms', 'Time of a commit.', 'ms');
    for (const ms of [0.4, 100, 450]) commit.record(ms);
    const text = await telemetry.prometheusText();
    for (const line of [
      '# HELP k2_sink_rows_total Rows committed.',
      '# TYPE k2_sink_rows_total counter',
      'k2_sink_rows_total{table="trades"} 7',
      '# TYPE k2_sink_lag_offsets gauge',
      'k2_sink_lag_offsets{partition="1"} 9',
      '# TYPE k2_sink_commit_ms histogram',
      'k2_sink_commit_ms_bucket{le="0.25"} 0',
      'k2_sink_commit_ms_bucket{le="0.5"} 1',
      'k2_sink_commit_ms_bucket{le="100"} 2',
      'k2_sink_commit_ms_bucket{le="500"} 3',
      'k2_sink_commit_ms_bucket{le="+Inf"} 3',
      'k2_sink_commit_ms_count 3',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(text.endsWith('\n')).toBe(true);
  });

  it('keeps counting over collections', async () => {
    const { telemetry, samples } = open();
    const counter = telemetry.counter('k2_feed_ticks_total', 'Ticks.');
    counter.add(1);
    await samples();
    counter.add(1);
    expect(await samples()).toContain('k2_feed_ticks_total 2');
  });

  it('one NaN or negative value does not spoil a sum; it is counted as dropped', async () => {
    const { telemetry, samples } = open();
    const counter = telemetry.counter('k2_feed_ticks_total', 'Ticks.');
    const histogram = telemetry.histogram('k2_feed_lag_ms', 'Lag.', 'ms');
    for (const value of [1, NaN, -1, Infinity]) {
      counter.add(value);
      histogram.record(value);
    }
    const all = await samples();
    expect(all).toContain('k2_feed_ticks_total 1');
    expect(all).toContain('k2_feed_lag_ms_sum 1');
    expect(all).toContain('k2_telemetry_dropped_total{reason="invalid-value"} 6');
  });

  it('reports the process: memory, event-loop lag, uptime', async () => {
    const names = (await open().samples()).map((line) => line.split(/[ {]/)[0]);
    for (const name of ['rss_bytes', 'heap_used_bytes', 'event_loop_lag_p99_ms', 'uptime_seconds']) {
      expect(names).toContain(`k2_process_${name}`);
    }
  });

  it('a gauge that cannot be read is counted and logged, and the others are read', async () => {
    const { telemetry, samples, entries } = open();
    telemetry.gauge('k2_broken_rows', 'Broken.', () => {
      throw new Error('no connection');
    });
    telemetry.gauge('k2_sound_rows', 'Sound.', () => [[1, {}]]);
    expect(await samples()).toContain('k2_sound_rows 1');
    expect(await samples()).toContain('k2_telemetry_dropped_total{reason="gauge-failed"} 2');
    expect(entries()[0]).toMatchObject({ level: 'warn', error: { message: 'no connection' } });
  });

  it('says in the log which instrument is misnamed or of two kinds', () => {
    const { telemetry, entries } = open();
    telemetry.counter('rows', 'No prefix.');
    telemetry.counter('k2_sink_rows_total', 'Rows.');
    telemetry.histogram('k2_sink_rows_total', 'Rows.', 'rows');
    expect(entries().map((entry) => entry['message'])).toEqual([
      'counter rows is not recorded: names are k2_<thing>_<unit>, lower case',
      'histogram k2_sink_rows_total is not recorded: it is a counter already',
    ]);
  });

  it('series beyond the bound are added up in one', async () => {
    const { telemetry, samples } = open({ seriesMax: 10 });
    const counter = telemetry.counter('k2_feed_ticks_total', 'Ticks.');
    for (let symbol = 0; symbol < 1_000; symbol++) counter.add(1, { symbol });
    const series = (await samples()).filter((line) => line.startsWith('k2_feed_ticks_total'));
    expect(series).toHaveLength(10);
    expect(series.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)).toBe(1_000);
  });
});

describe('log lines', () => {
  it('are one JSON object each, with time, level, message and fields', () => {
    const { telemetry, lines } = open();
    telemetry.log('info', 'sink: committed\nrows', { rows: 500, snapshotId: 9_007_199_254_740_993n });
    expect(lines).toEqual([
      '{"time":"2014-03-09T20:57:14.754321Z","level":"info","message":"sink: committed\\nrows","rows":500,"snapshotId":"9007199254740993"}\n',
    ]);
  });

  it('below the level are not written, but counted', async () => {
    const { telemetry, lines, samples } = open({ logLevel: 'warn' });
    telemetry.log('debug', 'no');
    telemetry.log('info', 'no');
    telemetry.log('warn', 'yes');
    expect(lines).toHaveLength(1);
    expect(await samples()).toContain('k2_log_lines_total{level="debug"} 1');
  });

  it('carry the correlation id of the work that wrote them, over awaits, and no other', async () => {
    const { telemetry, entries } = open();
    const work = (id: string) =>
      runWithCorrelationId(id, async () => {
        await new Promise((resolve) => setImmediate(resolve));
        telemetry.log('info', id);
      });
    await Promise.all([work('a'), work('b')]);
    telemetry.log('info', 'outside');
    expect(entries().map((entry) => [entry['message'], entry['correlationId']])).toEqual([
      ['a', 'a'],
      ['b', 'b'],
      ['outside', undefined],
    ]);
  });

  it('keep kind, context and cause of an error', () => {
    const { telemetry, entries } = open();
    const error = new PortError('fenced', 'stop', { partition: 3 }, { cause: new Error('epoch 2') });
    telemetry.log('error', 'sink: stopped', { error });
    expect(entries()[0]['error']).toMatchObject({
      name: 'PortError',
      kind: 'fenced',
      message: 'stop',
      context: { partition: 3 },
      cause: { message: 'epoch 2' },
    });
  });

  it('keep their own time, level and message when fields have such names', () => {
    const { telemetry, entries } = open();
    telemetry.log('info', 'mine', { message: 'theirs', level: 'none' });
    expect(entries()[0]).toMatchObject({
      message: 'mine',
      field_message: 'theirs',
      level: 'info',
      field_level: 'none',
    });
  });

  it('are cut where they are too long, and say so', () => {
    const { telemetry, lines, entries } = open();
    telemetry.log('info', 'long', { text: 'x'.repeat(1_000_000) });
    expect(lines[0].length).toBeLessThanOrEqual(LOG_LINE_LENGTH_MAX);
    expect(entries()[0]).toMatchObject({ message: 'long', truncated: expect.any(String) });
  });

  it('for eyes are one line, and no control character of a field reaches the terminal', () => {
    const { telemetry, lines } = open({ logFormat: 'pretty' });
    telemetry.log('warn', 'feed: \u001b[31mred\nline', { symbol: 'B\u009bP', rows: 3, note: 'two words' });
    expect(lines).toEqual([
      '20:57:14.754 WARN  feed: \\u001b[31mred\\u000aline symbol="B\\u009bP" rows=3 note="two words"\n',
    ]);
  });

  it('are dropped and counted while the sink does not take them', async () => {
    const written: string[] = [];
    const stuck = { writableLength: 100, write: (line: string) => written.push(line) };
    const { telemetry, samples } = open({ logSink: stuck, logBufferBytesMax: 99 });
    telemetry.log('error', 'lost');
    expect(written).toEqual([]);
    expect(await samples()).toContain('k2_telemetry_dropped_total{reason="log-sink-full"} 1');
  });
});
