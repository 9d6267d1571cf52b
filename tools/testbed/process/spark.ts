import { globSync } from 'node:fs';
import { join } from 'node:path';
import { cached } from '../cache/cached.ts';
import { mavenJars } from '../cache/maven.ts';
import { pythonEnvironment } from '../cache/pypi.ts';
import { versions } from '../versions.ts';
import { findJava } from './java.ts';
import type { ProcessRecipe } from './recipe.ts';

/** Spark with Iceberg in one process, behind a small SQL server of our own; catalogs are made by SQL (`SET`). */
export const spark: ProcessRecipe = {
  async install(progress) {
    // Spark 3.5 does not run on later ones.
    const java = await findJava(progress, 17, 17);
    const version = versions.pyspark;
    const environment = await cached(
      `pyspark-${version}`,
      (directory) => pythonEnvironment(`Spark ${version}`, [`pyspark==${version}`], directory, progress),
      progress,
    );
    const jars = await cached(
      `spark-iceberg-${versions.icebergSpark}`,
      (directory) =>
        mavenJars(
          {
            title: `Iceberg ${versions.icebergSpark} for Spark`,
            jars: [
              `org.apache.iceberg:iceberg-spark-runtime-3.5_2.12:${versions.icebergSpark}`,
              `org.apache.iceberg:iceberg-aws-bundle:${versions.icebergSpark}`,
              `org.postgresql:postgresql:${versions.postgresJdbc}`,
            ],
            megabytes: 130,
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
        return {
          file: join(environment, 'bin', 'python'),
          args: [
            join(import.meta.dirname, 'spark-sql-server.py'),
            `--port=${site.ports['http']}`,
            `--jars=${globSync(join(jars, '*.jar')).join(',')}`,
            ...Object.entries(site.settings).map(([name, value]) => `--conf=${name}=${value}`),
          ],
          env: { JAVA_HOME: java.home, SPARK_LOCAL_IP: '127.0.0.1', AWS_REGION: 'us-east-1', TZ: 'UTC' },
          directory: site.directory,
        };
      },
    };
  },
};
