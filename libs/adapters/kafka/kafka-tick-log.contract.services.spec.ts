import { afterAll, describe } from '@jest/globals';
import { tickLogContract } from '@k2/testing/contracts';
import { service } from '@k2/testing/services';
import { TestKafka } from './test-support/test-log.ts';

describe.each(['block', 'tick'] as const)('on a real broker, in %s framing', (framing) => {
  const kafka = new TestKafka(service('kafka').brokers);
  afterAll(() => kafka.close());

  tickLogContract('kafka', {
    framing,
    capabilities: { durable: true, bounded: false, damageable: false, trims: false },
    create: async () => {
      const open = () => kafka.open({ rule: { framing } });
      let log = await open();
      return {
        log,
        reopen: async () => {
          await log.close();
          return (log = await open());
        },
        close: () => log.close(),
      };
    },
  });
});
