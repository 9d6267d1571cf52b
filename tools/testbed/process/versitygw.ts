import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { goInstall } from '../cache/go.ts';
import { s3Key, s3Region } from '../servers/s3.ts';
import { versions } from '../versions.ts';
import type { ProcessRecipe } from './recipe.ts';

/** An S3 server of another maker, which keeps objects as plain files. */
export const versitygw: ProcessRecipe = {
  async install(progress) {
    const version = versions.versitygw;
    const program = {
      title: 'Versity S3 Gateway',
      package: 'github.com/versity/versitygw/cmd/versitygw',
      version,
      minutes: 2,
    };
    const directory = await goInstall(program, progress);
    return {
      version: version.slice(1),
      async layOut(site) {
        const data = join(site.directory, 'data');
        const metadata = join(site.directory, 'metadata');
        await mkdir(data);
        await mkdir(metadata);
        return {
          file: join(directory, 'versitygw'),
          args: [
            `--port=127.0.0.1:${site.ports['api']}`,
            `--region=${s3Region}`,
            'posix',
            `--sidecar=${metadata}`,
            data,
          ],
          env: {
            ROOT_ACCESS_KEY: s3Key.accessKeyId,
            ROOT_SECRET_KEY: s3Key.secretAccessKey,
            ...site.settings,
          },
          directory: site.directory,
        };
      },
    };
  },
};
