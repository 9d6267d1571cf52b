import { execFileSync } from 'node:child_process';
import { realpathSync, statSync } from 'node:fs';
import { chown, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { debianPackage } from '../cache/debian.ts';
import type { Site } from '../provider.ts';
import { database } from '../servers/postgres.ts';
import { programIn } from './find-program.ts';
import type { Command } from './local-process.ts';
import type { ProcessRecipe } from './recipe.ts';
import { runTool } from './run-tool.ts';

/** The system's own PostgreSQL, with a cluster of our own. */
export const postgres: ProcessRecipe = {
  async install(progress) {
    // Debian keeps the server's programs out of PATH.
    const found = await debianPackage({
      what: 'PostgreSQL',
      packages: ['postgresql'],
      elsewhere: 'install it (brew install postgresql@17)',
      find: () =>
        programIn('postgres', '/usr/lib/postgresql/*/bin', '/opt/homebrew/opt/postgresql@*/bin', '/usr/pgsql-*/bin'),
      progress,
    });
    // Its other programs stand beside it, and not beside every link to it.
    const server = realpathSync(found);
    const version = /\d+(\.\d+)*/.exec(await runTool('PostgreSQL', server, ['--version']))?.[0] ?? 'unknown';
    return {
      version,
      async layOut(site) {
        const user = unprivileged();
        const directory = await reachableDirectory(site, user);
        const data = join(directory, 'data');
        const as = { directory, ...(user !== undefined && { user }) };
        await runTool(
          'PostgreSQL: initdb',
          join(dirname(server), 'initdb'),
          ['-A', 'trust', '-U', database.user, '-E', 'UTF8', '--locale=C', '--no-instructions', '-D', data],
          as,
        );
        await runTool('PostgreSQL: create database', server, ['--single', '-D', data, 'postgres'], {
          ...as,
          input: `CREATE DATABASE ${database.name};\n`,
        });
        const settings = {
          listen_addresses: '127.0.0.1',
          port: site.ports['sql'],
          // Its path may be longer than a socket's may be, and nobody uses it.
          unix_socket_directories: '',
          max_connections: 200,
          ...site.settings,
        };
        return {
          file: server,
          args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
          ...as,
          // It would wait for its clients to leave at a SIGTERM.
          stopSignal: 'SIGINT',
        };
      },
    };
  },
};

/** PostgreSQL refuses to run as root. */
function unprivileged(): Command['user'] {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const uid = idOf('-u', name);
    const gid = idOf('-g', name);
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error('PostgreSQL refuses to run as root, and this machine has neither a user "postgres" nor "nobody"');
}

function idOf(option: '-u' | '-g', user: string): number | undefined {
  try {
    return Number(execFileSync('id', [option, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}

/** The service's directory, or one below it for another user, or one elsewhere where that user cannot get there. */
async function reachableDirectory(site: Site, user: Command['user']): Promise<string> {
  if (user === undefined) return site.directory;
  let directory = join(site.directory, 'cluster');
  if (isOpenToAll(site.directory)) await mkdir(directory);
  else directory = await mkdtemp(join(tmpdir(), 'k2-testbed-postgres-'));
  await chown(directory, user.uid, user.gid);
  return directory;
}

function isOpenToAll(directory: string): boolean {
  const parent = dirname(directory);
  return (statSync(directory).mode & 0o001) !== 0 && (parent === directory || isOpenToAll(parent));
}
