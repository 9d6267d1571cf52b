import { beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock, ManualScheduler } from '@k2/adapter-memory';
import { PortError } from '@k2/ports';
import { Dependencies } from './dependencies.ts';
import { CALLERS_OWN } from './platform-health.ts';

const away = new PortError('unavailable', 'postgres://10.0.0.1 does not answer', {}, { retryable: true });
const full = new PortError('disk-full', 'no room', {}, { retryable: true });

describe('dependencies', () => {
  let clock: ManualClock;
  let scheduler: ManualScheduler;
  let lines: string[];
  let dependencies: Dependencies;
  let outcome: PortError | null;
  const log = { append: async () => refused(), topics: async () => [] };
  const refused = () => {
    if (outcome !== null) throw outcome;
  };
  const states = () => dependencies.health.map(({ name, state, lastErrorKind }) => [name, state, lastErrorKind]);

  beforeEach(() => {
    clock = new ManualClock();
    scheduler = new ManualScheduler(clock);
    lines = [];
    outcome = null;
    dependencies = new Dependencies({
      clock,
      scheduler,
      telemetry: {
        counter: () => ({ add: () => undefined }),
        histogram: () => ({ record: () => undefined }),
        gauge: () => undefined,
        log: (level, message, fields) => void lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
      },
    });
  });

  it('are known by the calls that are made anyway, and told of once', async () => {
    dependencies.add('log', 'answers', null);
    const observed = dependencies.observed('log', log);
    await observed.append();
    expect(states()).toEqual([['log', 'up', null]]);
    outcome = away;
    for (let attempt = 0; attempt < 3; attempt++) await observed.append().catch(() => undefined);
    expect(states()).toEqual([['log', 'down', 'unavailable']]);
    expect(lines).toEqual(['error dependency is down {"dependency":"log","kind":"unavailable","without":"answers"}']);
    outcome = null;
    await observed.append();
    expect(states()).toEqual([['log', 'up', 'unavailable']]);
  });

  it('stay down while one operation fails and another goes well', async () => {
    dependencies.add('log', 'answers', null);
    const observed = dependencies.observed('log', log);
    outcome = away;
    await observed.append().catch(() => undefined);
    await observed.topics();
    expect(states()).toEqual([['log', 'down', 'unavailable']]);
  });

  it('stay down, since the first failure, while an operation fails for some and goes well for others', async () => {
    dependencies.add('log', 'answers', null);
    const observed = dependencies.observed('log', log);
    const attempt = (met: PortError | null) => {
      outcome = met;
      return observed.append().catch(() => undefined);
    };
    const fellUs = clock.nowUs();
    await attempt(away);
    for (let round = 0; round < 5; round++) {
      await attempt(null);
      await scheduler.advance(12_000);
      await attempt(away);
      await observed.topics();
    }
    await attempt(null);
    expect(dependencies.health).toMatchObject([{ state: 'down', sinceUs: fellUs }]);
    expect(lines.filter((line) => line.includes('up again'))).toHaveLength(1);
    await scheduler.advance(31_000);
    await attempt(null);
    expect(states()).toEqual([['log', 'up', 'unavailable']]);
  });

  it('are up again with the first success after an outage in which nothing succeeded', async () => {
    dependencies.add('log', 'answers', null);
    const observed = dependencies.observed('log', log);
    outcome = away;
    for (let attempt = 0; attempt < 5; attempt++) {
      await observed.append().catch(() => undefined);
      await scheduler.advance(5_000);
    }
    outcome = null;
    await observed.append();
    expect(states()).toEqual([['log', 'up', 'unavailable']]);
  });

  it('do not come to harm by answers that are refusals', async () => {
    dependencies.add('log', 'answers', null);
    outcome = new PortError('unknown-topic', 'there is no topic x');
    await dependencies
      .observed('log', log)
      .append()
      .catch(() => undefined);
    expect(states()).toEqual([['log', 'up', null]]);
  });

  it('have a full disk told of the disk, whichever port meets it', async () => {
    dependencies.add('disk', 'answers', null);
    dependencies.add('log', 'answers', null);
    outcome = full;
    await dependencies
      .observed('log', log)
      .append()
      .catch(() => undefined);
    expect(states()).toEqual([
      ['disk', 'down', 'disk-full'],
      ['log', 'unknown', null],
    ]);
  });

  it('do not come to harm by what fails of itself, as a statement does that a user wrote', async () => {
    dependencies.add('engine', 'answers', null);
    const engine = {
      ask: async (_: { kind: string }) => refused(),
      exportParquet: async (_: { kind: string }) => refused(),
      sqlReads: async (_: string) => refused(),
    };
    const observed = dependencies.observed('engine', engine, CALLERS_OWN['engine']);
    for (const kind of ['unavailable', 'timeout']) {
      outcome = new PortError(kind, 'IO Error: Parquet files do not support this');
      await observed.ask({ kind: 'sql' }).catch(() => undefined);
      await observed.exportParquet({ kind: 'sql' }).catch(() => undefined);
      expect(states()).toEqual([['engine', 'unknown', null]]);
    }
    // Nothing is run for it: it fails if the engine does not start.
    await observed.sqlReads('SELECT 1').catch(() => undefined);
    expect(states()).toEqual([['engine', 'down', 'timeout']]);
    outcome = null;
    await observed.sqlReads('SELECT 1');
    outcome = away;
    await observed.ask({ kind: 'bars' }).catch(() => undefined);
    expect(states()).toEqual([['engine', 'down', 'unavailable']]);
  });
});
