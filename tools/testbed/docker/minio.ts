import { s3Key } from '../servers/s3.ts';
import type { DockerRecipe } from './recipe.ts';

const release = 'RELEASE.2025-09-07T16-13-09Z';

/** The last release that is published as an image. */
export const minio: DockerRecipe = {
  image: `minio/minio:${release}`,
  version: release.slice('RELEASE.'.length, 'RELEASE.2025-09-07'.length),
  layOut: (site) => ({
    ports: { api: 9000 },
    env: {
      MINIO_ROOT_USER: s3Key.accessKeyId,
      MINIO_ROOT_PASSWORD: s3Key.secretAccessKey,
      MINIO_BROWSER: 'off',
      // It would ask the internet for a newer version of itself.
      MINIO_UPDATE: 'off',
      ...site.settings,
    },
    command: ['server', '/data'],
  }),
};
