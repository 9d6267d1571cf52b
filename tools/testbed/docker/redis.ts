import type { DockerRecipe } from './recipe.ts';

/** Keeps what it was told: a write is in its file before it is answered. */
export const redis: DockerRecipe = {
  image: 'redis:7',
  version: '7',
  layOut(site) {
    const settings = { save: '', appendonly: 'yes', ...site.settings };
    return {
      ports: { redis: 6379 },
      command: ['redis-server', ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])],
    };
  },
};
