import { describe, expect, it } from '@jest/globals';
import { Writable } from 'node:stream';
import { PortError } from '@k2/ports';
import { CliError, EXIT } from './exit-codes.ts';
import { Output } from './output/output.ts';
import { listed, type JsonRow, type RowStream, type TicksQuestion } from './session/session.ts';
import { runCli, withFakeSession } from './testing/fake-context.ts';

const COMMANDS = [
  'up',
  'load asx',
  'trades',
  'quotes',
  'bars',
  'symbols',
  'query',
  'gaps',
  'snapshots',
  'stats',
  'maintain',
  'schema check',
  'verify',
  'verify asx',
  'help',
];

describe('help', () => {
  it.each(COMMANDS)('of %s has an example and the options that every command has', async (name) => {
    const { exitCode, stdout } = await runCli([...name.split(' '), '--help']);
    expect(exitCode).toBe(EXIT.ok);
    expect(stdout).toMatch(/Examples?:\n +\$ k2 /);
    expect(stdout).toContain('--data <dir>');
    expect(stdout).toContain('--json');
  });

  it('names every command and the exit codes', async () => {
    const { stdout } = await runCli(['--help']);
    for (const name of COMMANDS) expect(stdout).toContain(`  ${name.split(' ')[0]} `);
    for (const code of Object.values(EXIT)) expect(stdout).toContain(`  ${code}  `);
  });
});

function capture() {
  const asked: TicksQuestion[] = [];
  const ticks = (question: TicksQuestion): Promise<RowStream> => {
    asked.push(question);
    return Promise.resolve(listed([]));
  };
  return { asked, world: withFakeSession({ ticks }) };
}

describe('trades and quotes', () => {
  it('ask for what the options say, and for one row more to know whether there are more', async () => {
    const { asked, world } = capture();
    const args = 'quotes --exchange ASX --symbol BHP --symbol MWR,RIO --from 1970-01-02 --to 1970-01-03T10:00+10:00';
    await runCli(
      [...args.split(' '), '--as-of', '123', '--fields', 'bid_price,message_id', '--newest', '--limit', '5'],
      world,
    );
    expect(asked).toEqual([
      {
        recordType: 'quotes',
        filter: { exchange: 'ASX', symbols: ['BHP', 'MWR', 'RIO'], fromUs: 86_400_000_000, toUs: 172_800_000_000 },
        asOf: { kind: 'snapshot', snapshotId: 123n },
        fields: ['bid_price', 'message_id'],
        order: 'newest-first',
        limit: 6,
      },
    ]);
  });

  it('take a time to travel to', async () => {
    const { asked, world } = capture();
    await runCli(['trades', '--as-of', '1970-01-01T00:00:01Z'], world);
    expect(asked[0]!.asOf).toEqual({ kind: 'time', timeUs: 1_000_000 });
  });

  it('have all fields as JSON and the usual ones in a table', async () => {
    const { asked, world } = capture();
    await runCli(['trades', '--json'], world);
    await runCli(['trades'], world);
    expect(asked.map(({ fields }) => fields?.includes('price') ?? 'all')).toEqual(['all', true]);
  });
});

describe('what is printed', () => {
  const rows = [
    { price: '36.667', symbol: 'BHP' },
    { price: '1.1', symbol: 'MWR' },
  ];
  const provenance = { completeness: { status: 'unverifiable', reason: 'not numbered' }, snapshotId: '77' } as const;
  const world = withFakeSession({ ticks: () => Promise.resolve({ ...listed(rows), provenance }) });

  it('as JSON is rows on stdout and one line of provenance on stderr', async () => {
    const { stdout, stderr } = await runCli(['trades', '--json', '--limit', '1'], world);
    expect(stdout).toBe('{"price":"36.667","symbol":"BHP"}\n');
    expect(JSON.parse(stderr)).toEqual({ rows: 1, hasMore: true, ...provenance });
  });

  it('for people is a table, with a line on what it is of', async () => {
    const { stdout, stderr } = await runCli(['trades'], world);
    expect(stdout).toBe(' price  symbol\n36.667  BHP\n   1.1  MWR\n');
    expect(stderr).toBe('completeness unverifiable: not numbered · snapshot 77\n');
  });

  it('of SQL is as of the instant asked for', async () => {
    const asked: unknown[] = [];
    const query = (...question: readonly unknown[]) => {
      asked.push(question);
      return Promise.resolve(listed([{ n: 1 }]));
    };
    await runCli(['query', 'select 1 n', '--as-of', '123', '--limit', '5'], withFakeSession({ query }));
    await runCli(['query', 'select 1 n', '--limit', '5'], withFakeSession({ query }));
    expect(asked).toEqual([
      ['select 1 n', 6, { kind: 'snapshot', snapshotId: 123n }],
      ['select 1 n', 6, undefined],
    ]);
  });

  it('of an answer without provenance is rows alone', async () => {
    const counted = withFakeSession({ query: () => Promise.resolve(listed([{ n: 91874 }])) });
    const run = await runCli(['query', 'select count(*) n from trades', '--json'], counted);
    expect(run).toEqual({ exitCode: 0, stdout: '{"n":91874}\n', stderr: '' });
  });
});

describe('a failure', () => {
  const failing = (error: Error) => withFakeSession({ stats: () => Promise.reject(error) });

  it.each([
    ['of the question', new PortError('invalid-query', 'no column x'), EXIT.failed],
    ['of the directory', new PortError('directory-locked', 'in use by 12'), EXIT.unreachable],
    ['told by a session', new CliError('does not answer', EXIT.unreachable), EXIT.unreachable],
    ['of ours', new TypeError('undefined is not a function'), EXIT.failed],
  ])('%s is one line and its exit code', async (_, error, exitCode) => {
    expect(await runCli(['stats'], failing(error))).toEqual({ exitCode, stdout: '', stderr: `k2: ${error.message}\n` });
  });

  it('shows where it came from only on request', async () => {
    const world = { ...failing(new TypeError('oops')), env: { K2_DEBUG: '1' } };
    expect((await runCli(['stats'], world)).stderr).toContain('TypeError: oops\n    at ');
  });

  it('after Ctrl-C is an interruption', async () => {
    const world = { ...failing(new Error('This operation was aborted')), signal: AbortSignal.abort() };
    expect(await runCli(['stats'], world)).toEqual({
      exitCode: EXIT.interrupted,
      stdout: '',
      stderr: 'k2: interrupted\n',
    });
  });
});

it('a reader who goes away stops a long answer quietly, and the session is closed', async () => {
  let batches = 0;
  let closed = false;
  const many = Array.from({ length: 1_000 }, (_, n): JsonRow => ({ n, text: 'x'.repeat(100) }));
  async function* endless() {
    for (;;) {
      batches++;
      yield many;
    }
  }
  const pipe = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('EPIPE'), { code: 'EPIPE' })),
  });
  const world = withFakeSession({
    query: () => Promise.resolve({ provenance: null, batches: endless() }),
    close: async () => void (closed = true),
  });
  const { exitCode, stderr } = await runCli(['query', 'select 1', '--json'], { ...world, stdout: new Output(pipe) });
  expect({ exitCode, stderr, closed, batches }).toEqual({ exitCode: 0, stderr: '', closed: true, batches: 1 });
});

it('up passes its flags on and takes over the exit code', async () => {
  let passed: readonly string[] = [];
  const runServer = (args: readonly string[]) => {
    passed = args;
    return Promise.resolve(7);
  };
  const args = [
    'up',
    '--feed',
    'simulator',
    '--feed',
    'asx:files',
    '--port',
    '0',
    '--log-level',
    'warn',
    '--data',
    './lake',
  ];
  const { exitCode } = await runCli(args, { runServer });
  expect(exitCode).toBe(7);
  expect(passed.join(' ')).toBe('--data ./lake --port 0 --feed simulator --feed asx:files --log-level warn');
});
