import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from '../cache/cached.ts';
import { mavenArchive } from '../cache/maven.ts';
import { versions } from '../versions.ts';
import { findJava } from './java.ts';
import type { ProcessRecipe } from './recipe.ts';

/** One node that coordinates and works, with the Iceberg connector; catalogs are made by SQL (`CREATE CATALOG`). */
export const trino: ProcessRecipe = {
  async install(progress) {
    const java = await findJava(progress, 24);
    const version = versions.trino;
    const home = await cached(
      `trino-${version}`,
      async (directory) => {
        const archive = `io.trino:trino-server:${version}:tar.gz`;
        await mavenArchive({ title: `Trino ${version}`, archive, megabytes: 850, java }, directory, progress);
        // The others are most of its size, and it reads them all at each start.
        const plugins = join(directory, `trino-server-${version}`, 'plugin');
        for (const plugin of await readdir(plugins)) {
          if (plugin !== 'iceberg') await rm(join(plugins, plugin), { recursive: true });
        }
      },
      progress,
    ).then((directory) => join(directory, `trino-server-${version}`));
    return {
      version,
      async layOut(site) {
        const config = join(site.directory, 'config.properties');
        const properties = {
          coordinator: true,
          'node-scheduler.include-coordinator': true,
          'http-server.http.port': site.ports['http'],
          'discovery.uri': `http://127.0.0.1:${site.ports['http']}`,
          'plugin.dir': join(home, 'plugin'),
          'catalog.management': 'dynamic',
          'catalog.store': 'memory',
          'node.environment': 'testbed',
          'node.id': 'testbed',
          'node.bind-ip': '127.0.0.1',
          'node.internal-address': '127.0.0.1',
          'log.enable-console': true,
          ...site.settings,
        };
        const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
        await writeFile(config, lines.join(''));
        return {
          // Not by its launcher, which refuses to start again where a killed one left its lock.
          file: java.java,
          args: [
            '-Xmx2G',
            '-XX:+UseG1GC',
            '-Djdk.attach.allowAttachSelf=true',
            `-Dconfig=${config}`,
            '-cp',
            join(home, 'lib', '*'),
            'io.trino.server.TrinoServer',
          ],
          directory: site.directory,
        };
      },
    };
  },
};
