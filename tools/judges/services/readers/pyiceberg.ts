import { join } from 'node:path';
import type { IcebergCatalog } from '../../../testbed/sql/iceberg-catalogs.ts';
import { runTool } from '../../../testbed/process/run-tool.ts';
import { preparedPython } from '../../pyiceberg/prepared-python.ts';
import { shortest, type Reading } from '../facts.ts';
import type { Reader } from './reader.ts';

export function openPyiceberg(catalog: IcebergCatalog): Reader {
  const python = preparedPython();
  const properties = pyicebergProperties(catalog);
  return {
    name: 'pyiceberg',
    async read(questions) {
      const asked = questions.map((question) => ({ ...question, snapshotId: question.snapshotId?.toString() ?? null }));
      const input = JSON.stringify({ name: catalog.name, properties, questions: asked });
      const output = await runTool('pyiceberg', python, [join(import.meta.dirname, 'read_lake.py')], { input });
      return (JSON.parse(output) as readonly Reading[]).map(withShortestSums);
    },
  };
}

/** `SqlCatalog(name, **properties)`. */
export function pyicebergProperties({ postgresUrl, s3, warehouse }: IcebergCatalog): Record<string, string> {
  return {
    uri: postgresUrl.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'),
    warehouse,
    's3.endpoint': s3.endpoint,
    's3.region': s3.region,
    's3.access-key-id': s3.accessKeyId,
    's3.secret-access-key': s3.secretAccessKey,
  };
}

function withShortestSums({ facts, ...rest }: Reading): Reading {
  const groups = Object.entries(facts.groups).map(([key, group]) => [
    key,
    { ...group, sums: group.sums.map(shortest) },
  ]);
  return { ...rest, facts: { ...facts, groups: Object.fromEntries(groups) as Reading['facts']['groups'] } };
}
