import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from '@jest/globals';
import { service } from '@k2/testing/services';
import { tradeBatch } from '@k2/testing/builders';
import { isPortError } from '@k2/ports';
import { TestKafka, TOPIC } from './test-support/test-log.ts';
import { Member } from './test-support/recording-member.ts';
import { readAll, sequencesOf, until } from './test-support/ticks.ts';

describe('a broker that wants TLS and SASL', () => {
  const { brokers, caFile, mechanism, username, password } = service('kafkaSecure');
  const tls = { ca: readFileSync(caFile, 'utf8') };
  const kafka = new TestKafka(service('kafka').brokers);
  afterAll(() => kafka.close());

  it('is appended to, read from, and a group of it joined', async () => {
    const log = await kafka.open({ brokers, tls, sasl: { mechanism, username, password } });
    await log.declareTopic({ name: TOPIC, partitions: 1, framing: 'block' });
    const batch = tradeBatch({ series: { symbol: 'BHP' }, firstSequence: 1, count: 3 });
    await log.append(TOPIC, { kind: 'ticks', batch });
    expect(sequencesOf(await readAll(log, TOPIC))).toEqual([1, 2, 3]);
    const member = new Member();
    const membership = await log.join('g', [TOPIC], member);
    await until(() => member.owned.size === 1);
    await membership.leave();
  });

  it('refuses a wrong password: the error names mechanism and user, and not the password', async () => {
    const sasl = { mechanism, username, password: 'open-sesame' };
    const failure = await kafka.open({ brokers, tls, sasl }).catch((error: unknown) => error);
    if (!isPortError(failure, 'unavailable')) throw failure;
    expect(failure.retryable).toBe(false);
    expect(failure.message).toContain(mechanism);
    expect(failure.message).toContain(username);
    expect(JSON.stringify(failure.context) + failure.message).not.toContain('open-sesame');
  });

  it('refuses a mechanism that it does not have', async () => {
    const sasl = { mechanism: 'plain' as const, username, password };
    await expect(kafka.open({ brokers, tls, sasl })).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
  });

  it('is refused where its certificate is of an authority that nobody named', async () => {
    const sasl = { mechanism, username, password };
    const failure = await kafka.open({ brokers, tls: {}, sasl }).catch((error: unknown) => error);
    if (!isPortError(failure, 'unavailable')) throw failure;
    expect(failure.retryable).toBe(false);
    expect(failure.message).toContain('TLS');
  });
});
