import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { goInstall } from '../cache/go.ts';
import { s3Key } from '../servers/s3.ts';
import { versions } from '../versions.ts';
import type { ProcessRecipe } from './recipe.ts';

export const minio: ProcessRecipe = {
  async install(progress) {
    const version = versions.minio;
    const program = { title: 'MinIO', package: 'github.com/minio/minio', version, minutes: 3 };
    const directory = await goInstall(program, progress);
    return {
      // The date of "v0.0.0-20260212201848-7aac2a2c5b7c".
      version: version.replace(/^v0\.0\.0-(\d{4})(\d\d)(\d\d).*$/, '$1-$2-$3'),
      async layOut(site) {
        const data = join(site.directory, 'data');
        await mkdir(data);
        return {
          file: join(directory, 'minio'),
          args: ['server', data, `--address=127.0.0.1:${site.ports['api']}`],
          env: {
            MINIO_ROOT_USER: s3Key.accessKeyId,
            MINIO_ROOT_PASSWORD: s3Key.secretAccessKey,
            // Its pages would listen on another port.
            MINIO_BROWSER: 'off',
            // It would ask the internet for a newer version of itself.
            MINIO_UPDATE: 'off',
            // Where it looks for certificates.
            HOME: site.directory,
            ...site.settings,
          },
          directory: site.directory,
        };
      },
    };
  },
};
