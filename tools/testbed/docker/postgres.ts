import { database } from '../servers/postgres.ts';
import type { DockerRecipe } from './recipe.ts';

export const postgres: DockerRecipe = {
  image: 'postgres:17',
  version: '17',
  layOut(site) {
    const settings = { max_connections: '200', ...site.settings };
    return {
      ports: { sql: 5432 },
      env: {
        POSTGRES_USER: database.user,
        POSTGRES_DB: database.name,
        POSTGRES_HOST_AUTH_METHOD: 'trust',
        POSTGRES_INITDB_ARGS: '-E UTF8 --locale=C',
      },
      command: ['postgres', ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      // It would wait for its clients to leave at a SIGTERM.
      stopSignal: 'SIGINT',
    };
  },
};
