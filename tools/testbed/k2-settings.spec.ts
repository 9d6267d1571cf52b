import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { readSettings } from '@k2/composition';
import { k2Settings, shellExports } from './k2-settings.ts';

const S3 = { endpoint: 'http://127.0.0.1:9000', region: 'eu', accessKeyId: 'key', secretAccessKey: "it's $ecret" };

describe('npm run services env', () => {
  it('prints lines from which a shell has the settings, as K2 reads them', () => {
    const servers = {
      kafka: { brokers: ['127.0.0.1:1', '127.0.0.1:2'] },
      postgres: { url: 'postgres://k2@127.0.0.1:3/k2' },
      s3: { ...S3, bucket: 'lake' },
    };
    const script = `${shellExports(k2Settings(servers))}env -0`;
    const printed = execFileSync('sh', ['-c', script], { env: { PATH: process.env['PATH'] }, encoding: 'utf8' });
    const env = Object.fromEntries(printed.split('\0').map((line) => line.split(/=(.*)/s).slice(0, 2)));
    expect(readSettings({}, env)).toMatchObject({
      storage: 'services',
      kafkaBrokers: ['127.0.0.1:1', '127.0.0.1:2'],
      postgresUrl: 'postgres://k2@127.0.0.1:3/k2',
      s3Endpoint: S3.endpoint,
      s3SecretAccessKey: S3.secretAccessKey,
    });
  });

  it('names no server that is not there', () => {
    expect(k2Settings({ redis: { url: 'redis://127.0.0.1:4' } })).toEqual({
      K2_STORAGE: 'services',
      K2_REDIS_URL: 'redis://127.0.0.1:4',
    });
  });
});
