import type { S3Endpoint } from '@k2/testing/services';

/** An Iceberg catalog of JDBC tables in PostgreSQL, with its files on S3. */
export interface IcebergCatalog {
  /** In the catalog's own tables; also what SQL calls it. */
  readonly name: string;
  /** "postgres://user@host:port/database". */
  readonly postgresUrl: string;
  readonly s3: S3Endpoint;
  /** "s3://bucket/path". */
  readonly warehouse: string;
}

/**
 * The statement that makes the catalog known to the testbed's Trino, there as `trinoName`. The catalog's tables must
 * exist.
 */
export function trinoCatalogSql(catalog: IcebergCatalog, trinoName = catalog.name): string {
  const { jdbcUrl, user } = jdbc(catalog.postgresUrl);
  const properties = {
    'iceberg.catalog.type': 'jdbc',
    'iceberg.jdbc-catalog.catalog-name': catalog.name,
    'iceberg.jdbc-catalog.driver-class': 'org.postgresql.Driver',
    'iceberg.jdbc-catalog.connection-url': jdbcUrl,
    'iceberg.jdbc-catalog.connection-user': user,
    // Trust needs none, and Trino wants one.
    'iceberg.jdbc-catalog.connection-password': 'none',
    'iceberg.jdbc-catalog.default-warehouse-dir': catalog.warehouse,
    'fs.native-s3.enabled': 'true',
    's3.endpoint': catalog.s3.endpoint,
    's3.region': catalog.s3.region,
    's3.path-style-access': 'true',
    's3.aws-access-key': catalog.s3.accessKeyId,
    's3.aws-secret-key': catalog.s3.secretAccessKey,
  };
  const list = Object.entries(properties).map(([name, value]) => `"${name}" = '${value}'`);
  return `CREATE CATALOG ${trinoName} USING iceberg WITH (${list.join(', ')})`;
}

/** The statements that make the catalog known to the testbed's Spark; one at a time. */
export function sparkCatalogSql(catalog: IcebergCatalog): string[] {
  const { jdbcUrl, user } = jdbc(catalog.postgresUrl);
  const key = `spark.sql.catalog.${catalog.name}`;
  const properties = {
    type: 'jdbc',
    uri: jdbcUrl,
    'jdbc.user': user,
    'jdbc.schema-version': 'V1',
    warehouse: catalog.warehouse,
    'io-impl': 'org.apache.iceberg.aws.s3.S3FileIO',
    's3.endpoint': catalog.s3.endpoint,
    's3.path-style-access': 'true',
    's3.access-key-id': catalog.s3.accessKeyId,
    's3.secret-access-key': catalog.s3.secretAccessKey,
    'client.region': catalog.s3.region,
    // Another engine writes to the same tables.
    'cache-enabled': 'false',
  };
  return [
    ...Object.entries(properties).map(([name, value]) => `SET \`${key}.${name}\`=\`${value}\``),
    `SET ${key}=org.apache.iceberg.spark.SparkCatalog`,
  ];
}

function jdbc(postgresUrl: string): { jdbcUrl: string; user: string } {
  const { host, pathname, username } = new URL(postgresUrl);
  return { jdbcUrl: `jdbc:postgresql://${host}${pathname}`, user: username };
}
