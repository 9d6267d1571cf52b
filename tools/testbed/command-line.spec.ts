import { describe, expect, it } from '@jest/globals';
import { servicesCommand, testServicesCommand } from './command-line.ts';
import { specServiceNames, usualServiceNames } from './service-names.ts';

describe('npm run services', () => {
  it('starts the usual servers when none is named, and the heavy ones only by name', () => {
    expect(servicesCommand(['up'])).toEqual({ command: 'up', names: usualServiceNames });
    expect(usualServiceNames).toEqual(['kafka', 'schema-registry', 'postgres', 'minio', 'versitygw', 'redis']);
    expect(servicesCommand(['up', 'trino'])).toEqual({ command: 'up', names: ['trino'] });
  });

  it('takes the names that specs use for endpoints', () => {
    const names = ['s3', 's3Second', 'kafkaSecure', 'kafka', 'schemaRegistry'];
    expect(servicesCommand(['up', ...names])).toEqual({
      command: 'up',
      names: ['minio', 'versitygw', 'kafka', 'schema-registry'],
    });
  });

  it('helps where nothing is asked', () => {
    for (const args of [[], ['help'], ['--help'], ['up', '--help']]) {
      expect(servicesCommand(args)).toEqual({ command: 'help' });
    }
  });

  it('prints JSON for status only', () => {
    expect(servicesCommand(['status', '--json'])).toEqual({ command: 'status', json: true });
    expect(() => servicesCommand(['up', '--json'])).toThrow('--json is an option of "status"');
  });

  it.each([
    [['up', 'kafak'], 'no service "kafak"; there are: kafka,'],
    [['start'], 'no command "start"; there are: up, down, status, env'],
    [['down', 'kafka'], '"down" takes no names'],
    [['up', '--quiet'], '--quiet'],
  ])('refuses %j', (args, message) => {
    expect(() => servicesCommand(args)).toThrow(message);
  });
});

describe('npm run test:services', () => {
  it('gives Nx everything but the names of the servers', () => {
    const expected = { names: ['kafka', 'redis'], nxArgs: ['-p', 'adapter-redis', '--verbose'] };
    expect(testServicesCommand(['-p', 'adapter-redis', '--services', 'kafka,redis', '--verbose'])).toEqual(expected);
    expect(testServicesCommand(['--services=kafka,redis', '-p', 'adapter-redis', '--verbose'])).toEqual(expected);
  });

  it('starts all that specs need where no servers are named, the heavy ones too', () => {
    expect(testServicesCommand(['-p', 'x'])).toEqual({ names: specServiceNames, nxArgs: ['-p', 'x'] });
    expect(specServiceNames).toEqual([...usualServiceNames, 'trino']);
  });

  it('refuses names that are not there', () => {
    expect(() => testServicesCommand(['--services'])).toThrow('--services wants names');
    expect(() => testServicesCommand(['--services', 'oracle'])).toThrow('no service "oracle"');
  });
});
