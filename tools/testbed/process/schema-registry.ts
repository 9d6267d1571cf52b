import { join } from 'node:path';
import { cached } from '../cache/cached.ts';
import { mavenArchive } from '../cache/maven.ts';
import { versions } from '../versions.ts';
import { findJava } from './java.ts';
import type { ProcessRecipe } from './recipe.ts';

/** Apicurio, with its schemas in a database file of its own. */
export const schemaRegistry: ProcessRecipe = {
  async install(progress) {
    const java = await findJava(progress);
    const version = versions.apicurio;
    const home = await cached(
      `apicurio-${version}`,
      (directory) =>
        mavenArchive(
          {
            title: `Apicurio ${version}`,
            archive: `io.apicurio:apicurio-registry-app:${version}:tar.gz:all`,
            megabytes: 120,
            java,
          },
          directory,
          progress,
        ),
      progress,
    );
    return {
      version,
      async layOut(site) {
        const properties = {
          'quarkus.http.host': '127.0.0.1',
          'quarkus.http.port': site.ports['http'],
          'apicurio.storage.kind': 'sql',
          'apicurio.storage.sql.kind': 'h2',
          // The database would otherwise write half a second after it has said that it has.
          'apicurio.datasource.url': `jdbc:h2:file:${join(site.directory, 'registry')};WRITE_DELAY=0`,
          ...site.settings,
        };
        return {
          file: java.java,
          args: [
            '-Xmx384m',
            ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
            '-jar',
            join(home, `apicurio-registry-app-${version}-runner.jar`),
          ],
          directory: site.directory,
        };
      },
    };
  },
};
