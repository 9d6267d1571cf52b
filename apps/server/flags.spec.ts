import { describe, expect, it } from '@jest/globals';
import { SettingError } from '@k2/composition';
import { helpText, readCommandLine } from './flags.ts';

describe('the command line', () => {
  it('has flags for what the environment has, and wins over it; feeds repeat', () => {
    const args = [
      '--role',
      'api,sink',
      '--data=/d',
      '--port',
      '0',
      '--feed',
      'simulator:seed=7',
      '--feed',
      'asx:/files',
      '--log-level',
      'warn',
    ];
    expect(readCommandLine(args, { K2_PORT: '99', K2_HOST: '0.0.0.0' })).toMatchObject({
      role: ['api', 'sink'],
      data: '/d',
      port: 0,
      host: '0.0.0.0',
      feeds: ['simulator:seed=7', 'asx:/files'],
      logLevel: 'warn',
    });
  });

  it.each([
    [['--port', 'high'], '--port is "high": expected an integer from 0 to 65535'],
    [['--role', 'boss'], '--role is "boss": expected all, or some of ingest,sink,api'],
    [['--prot', '1'], 'the argument is "--prot": expected one of --data, '],
    [['up'], 'the argument is "up": expected one of --data, '],
    [['--port'], '--port is "": expected a value after it'],
    [['--feed', 'nyse'], '--feed is "nyse": expected none, simulator'],
  ])('%j is refused by name, with what was expected', (args, message) => {
    expect(() => readCommandLine(args, {})).toThrow(SettingError);
    expect(() => readCommandLine(args, {})).toThrow(message);
  });

  it.each([
    ['--feeds', '--feed'],
    ['--feeds=none', '--feed'],
    ['--prot', '--port'],
    ['--rol', '--role'],
    ['--log_level', '--log-level'],
    ['-help', '--help'],
  ])('%s is refused with the flag that it is nearest to', (given, nearest) => {
    expect(() => readCommandLine([given, 'x'], {})).toThrow(`(did you mean ${nearest}?)`);
  });

  it('an argument that is near to no flag is refused without a guess', () => {
    expect(() => readCommandLine(['up'], {})).not.toThrow('did you mean');
    expect(() => readCommandLine(['up'], {})).toThrow(/--help$/);
  });

  it('help names every flag and environment variable', () => {
    expect(readCommandLine(['--help'], { K2_PORT: 'high' })).toBe('help');
    for (const name of ['--role', '--feed', '--storage', 'K2_QUERY_TIMEOUT_MS', 'K2_DATA'])
      expect(helpText()).toContain(name);
  });
});
