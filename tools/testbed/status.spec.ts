import { expect, it } from '@jest/globals';
import { type ServiceStatus, statusTable } from './status.ts';

it('shows every listener with its port, and what has stopped without pid and memory', () => {
  const statuses: ServiceStatus[] = [
    {
      service: 'kafka',
      title: 'Kafka',
      version: '4.3.1',
      state: 'answers',
      endpoints: {
        kafka: { brokers: ['127.0.0.1:20001'] },
        kafkaSecure: {
          brokers: ['127.0.0.1:20002'],
          caFile: '/k2/ca.pem',
          mechanism: 'scram-sha-512',
          username: 'k2',
          password: 'secret',
        },
      },
      ports: { plain: 20001, secure: 20002, controller: 20003 },
      pid: 4711,
      rssBytes: 300 * 2 ** 20,
      logFile: '/k2/tmp/kafka.log',
    },
    {
      service: 'postgres',
      title: 'PostgreSQL',
      version: '15.1',
      state: 'stopped',
      endpoints: { postgres: { url: 'postgres://k2@127.0.0.1:20004/k2' } },
      ports: { sql: 20004 },
      pid: null,
      rssBytes: null,
      logFile: '/k2/tmp/postgres.log',
    },
  ];
  expect(statusTable(statuses, '/k2')).toBe(
    [
      'service   version  state    endpoint                          port   pid   rss     log',
      'kafka     4.3.1    answers  127.0.0.1:20001                   20001  4711  300 MB  tmp/kafka.log',
      '                            127.0.0.1:20002 (TLS, SCRAM)      20002',
      'postgres  15.1     stopped  postgres://k2@127.0.0.1:20004/k2  20004  -     -       tmp/postgres.log',
      '',
    ].join('\n'),
  );
});
