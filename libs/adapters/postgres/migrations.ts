export interface Migration {
  /** From 1, without gaps. */
  readonly version: number;
  readonly name: string;
  readonly statements: string;
}

/**
 * Never changed once released; a new version is added at the end. The first two tables are as Apache Iceberg's
 * JdbcUtil (schema V1) and pyiceberg's SqlCatalog have them, and may be there already: made by one of those, and by an
 * older one without `iceberg_type`, which is added as JdbcUtil does it. Only then, since it takes the table's owner.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'tables, progress, state and changes',
    statements: `
      CREATE TABLE IF NOT EXISTS iceberg_tables (
        catalog_name VARCHAR(255) NOT NULL,
        table_namespace VARCHAR(255) NOT NULL,
        table_name VARCHAR(255) NOT NULL,
        metadata_location VARCHAR(1000),
        previous_metadata_location VARCHAR(1000),
        iceberg_type VARCHAR(5),
        PRIMARY KEY (catalog_name, table_namespace, table_name)
      );
      DO $$
      BEGIN
        IF NOT EXISTS (
          SELECT FROM pg_attribute
          WHERE attrelid = 'iceberg_tables'::regclass AND attname = 'iceberg_type' AND NOT attisdropped
        ) THEN
          ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5);
        END IF;
      END $$;
      CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
        catalog_name VARCHAR(255) NOT NULL,
        namespace VARCHAR(255) NOT NULL,
        property_key VARCHAR(255) NOT NULL,
        property_value VARCHAR(1000),
        PRIMARY KEY (catalog_name, namespace, property_key)
      );
      CREATE TABLE k2_progress (
        topic TEXT COLLATE "C" NOT NULL,
        partition INTEGER NOT NULL,
        topic_id TEXT COLLATE "C" NOT NULL,
        next_offset BIGINT NOT NULL,
        epoch BIGINT NOT NULL,
        writer TEXT NOT NULL,
        PRIMARY KEY (topic, partition)
      ) WITH (fillfactor = 50);
      CREATE TABLE k2_state (
        key TEXT COLLATE "C" PRIMARY KEY,
        value TEXT NOT NULL
      ) WITH (fillfactor = 50);
      CREATE TABLE k2_changes (
        sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        change_id TEXT COLLATE "C" NOT NULL UNIQUE,
        applied_us BIGINT NOT NULL
      );`,
  },
  {
    version: 2,
    name: 'the time of the last commit',
    statements: `
      CREATE TABLE k2_last_commit (
        only_row BOOLEAN PRIMARY KEY CHECK (only_row),
        committed_us BIGINT NOT NULL
      ) WITH (fillfactor = 50);`,
  },
  {
    version: 3,
    name: 'owners of states',
    statements: 'ALTER TABLE k2_state ADD COLUMN topic TEXT COLLATE "C", ADD COLUMN partition INTEGER;',
  },
];
