/** Every version that the process provider installs. Those of PostgreSQL and Redis are the system's own. */
export const versions = {
  kafka: '4.3.1',
  /** Kafka logs through it. */
  slf4jSimple: '1.7.36',
  /** The last 3.x that is published as an archive that runs. */
  apicurio: '3.0.9',
  /** Go knows MinIO's releases only by commit: this one is RELEASE.2026-02-12. */
  minio: 'v0.0.0-20260212201848-7aac2a2c5b7c',
  versitygw: 'v1.8.0',
  /** The last one that Maven Central has. */
  trino: '476',
  pyspark: '3.5.7',
  icebergSpark: '1.11.0',
  postgresJdbc: '42.7.8',
  /** Of the peer in `npm run bench:services -- --peer`; its jars want these two in these versions. */
  icebergConnect: '1.11.0',
  kafkaConnect: '4.2.1',
  hadoop: '3.4.2',
  /** Java runtimes from PyPI, where the machine has none that will do. */
  jdk4py17: '17.0.9.2',
  jdk4py25: '25.0.2.1',
} as const;
