import { s3Key, s3Region } from '../servers/s3.ts';
import { versions } from '../versions.ts';
import type { DockerRecipe } from './recipe.ts';

/** An S3 server of another maker, which keeps objects as plain files. */
export const versitygw: DockerRecipe = {
  image: `versity/versitygw:${versions.versitygw}`,
  version: versions.versitygw.slice(1),
  layOut: (site) => ({
    ports: { api: 7070 },
    env: { ROOT_ACCESS_KEY: s3Key.accessKeyId, ROOT_SECRET_KEY: s3Key.secretAccessKey, ...site.settings },
    entrypoint: ['/bin/sh', '-c'],
    // Its directories must exist.
    command: [
      'mkdir -p /data /metadata && ' +
        `exec versitygw --port :7070 --region ${s3Region} posix --sidecar /metadata /data`,
    ],
  }),
};
