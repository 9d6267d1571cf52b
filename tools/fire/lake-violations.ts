import { openPlatform, type Settings } from '@k2/composition';
import { RECORD_SCHEMAS } from '@k2/domain/market';

/** Files that a table names twice or that are not there. */
export async function lakeViolations(settings: Settings): Promise<string[]> {
  const opened = await openPlatform(settings, { access: 'read' });
  const { store } = opened.platform.ports;
  const violations: string[] = [];
  try {
    for (const { table } of RECORD_SCHEMAS) {
      const { files } = await store.plan({ table, asOf: { kind: 'latest' } });
      const seen = new Set<string>();
      for (const { key } of files) {
        if (seen.has(key)) violations.push(`${table} names ${key} twice`);
        seen.add(key);
      }
      const stored = new Set<string>();
      for await (const { key } of opened.objects!.list(`${table.replaceAll('.', '/')}/data/`)) stored.add(key);
      for (const key of seen) if (!stored.has(key)) violations.push(`${table} names ${key}, which is not there`);
    }
  } finally {
    await opened.close();
  }
  return violations;
}
