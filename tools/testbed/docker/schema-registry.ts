import { versions } from '../versions.ts';
import type { DockerRecipe } from './recipe.ts';

/** Apicurio, with its schemas in a database file of its own. */
export const schemaRegistry: DockerRecipe = {
  image: `apicurio/apicurio-registry:${versions.apicurio}`,
  version: versions.apicurio,
  layOut(site) {
    const properties = {
      'apicurio.storage.kind': 'sql',
      'apicurio.storage.sql.kind': 'h2',
      // The database would otherwise write half a second after it has said that it has.
      'apicurio.datasource.url': 'jdbc:h2:file:/tmp/registry;WRITE_DELAY=0',
      ...site.settings,
    };
    const options = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`);
    return { ports: { http: 8080 }, env: { JAVA_OPTS_APPEND: ['-Xmx384m', ...options].join(' ') } };
  },
};
