import { objectStoreContract } from '@k2/testing/contracts';
import { service } from '@k2/testing/services';
import type { S3ObjectStoreConfig } from './s3-config.ts';
import { contractHarness, deleteAll, placeOf } from './test-support/contract-harness.ts';

async function create(name: 's3' | 's3Second', config: Partial<S3ObjectStoreConfig> = {}) {
  const harness = await contractHarness({ ...placeOf(service(name)), ...config });
  const close = async () => {
    await deleteAll(harness.store);
    await harness.close();
  };
  return { ...harness, close };
}

objectStoreContract('s3, on MinIO', { create: () => create('s3') });
objectStoreContract('s3, on versitygw, keeping what it writes', {
  create: () => create('s3Second', { cacheWrites: true }),
});
