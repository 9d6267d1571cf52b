import { ContainerModule } from 'inversify';
import { join } from 'node:path';
import type { ObjectStore } from '@k2/ports';
import { dataPaths } from '../data-paths.ts';
import { loadAdapter } from '../load-package.ts';
import { TOKENS } from '../tokens.ts';
import type { ModuleInput } from './module-input.ts';

/** Where the files of the tables are; what is read of them is what was written. */
export const objectsModule = (input: ModuleInput) =>
  new ContainerModule(({ bind }) => {
    bind(TOKENS.objectStore).toResolvedValue(async () => {
      const { CheckedObjectStore } = await import('@k2/adapter-iceberg');
      return new CheckedObjectStore(input.observed('objects', await open(input)));
    });
  });

async function open({ settings, choice, scratchDirectory, context }: ModuleInput): Promise<ObjectStore> {
  switch (choice.objects) {
    case 'filesystem': {
      const { FilesystemObjectStore } = await import('@k2/adapter-filesystem');
      return FilesystemObjectStore.open(dataPaths(settings.data).warehouse, context.clock);
    }
    case 's3': {
      const { S3ObjectStore } = await import('@k2/adapter-s3');
      const { s3Endpoint: endpoint, s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey } = settings;
      const config = {
        region: settings.s3Region,
        bucket: settings.s3Bucket,
        prefix: settings.s3Prefix,
        cacheDirectory: join(scratchDirectory, 'objects'),
        cacheBytesMax: settings.s3CacheBytesMax,
        // Who answers from what it has just written fetches nothing.
        cacheWrites: settings.role.includes('sink') && settings.role.includes('api'),
        ...(endpoint !== '' && { endpoint }),
        ...(accessKeyId !== '' && { credentials: { accessKeyId, secretAccessKey } }),
      };
      return S3ObjectStore.open(config, context);
    }
    default:
      return (await loadAdapter(choice.objects!, 'objects'))(context);
  }
}
