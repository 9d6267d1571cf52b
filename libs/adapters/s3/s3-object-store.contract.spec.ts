import { afterAll, beforeAll } from '@jest/globals';
import { objectStoreContract } from '@k2/testing/contracts';
import { contractHarness } from './test-support/contract-harness.ts';
import { FakeS3 } from './test-support/fake-s3.ts';

let fake: FakeS3;
beforeAll(async () => {
  fake = await FakeS3.start();
});
afterAll(() => fake.close());

// Proves the fake as well: the specs of faults stand on it.
objectStoreContract('s3, on a server made for specs', {
  create: () =>
    contractHarness({
      endpoint: fake.endpoint,
      region: 'nowhere-1',
      bucket: FakeS3.bucket,
      credentials: { accessKeyId: 'fake', secretAccessKey: 'fake' },
    }),
});
