import { debianPackage } from '../cache/debian.ts';
import { programIn } from './find-program.ts';
import type { ProcessRecipe } from './recipe.ts';
import { runTool } from './run-tool.ts';

/** The system's own Redis, keeping what it was told: a write is in its file before it is answered. */
export const redis: ProcessRecipe = {
  async install(progress) {
    const server = await debianPackage({
      what: 'Redis (redis-server)',
      packages: ['redis-server'],
      elsewhere: 'install it (brew install redis)',
      find: () => programIn('redis-server', '/opt/homebrew/bin'),
      progress,
    });
    const version = /v=(\S+)/.exec(await runTool('Redis', server, ['--version']))?.[1] ?? 'unknown';
    return {
      version,
      async layOut(site) {
        const settings = {
          bind: '127.0.0.1',
          port: site.ports['redis'],
          dir: site.directory,
          save: '',
          appendonly: 'yes',
          ...site.settings,
        };
        return {
          file: server,
          args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
          directory: site.directory,
        };
      },
    };
  },
};
