import { alterationJson, type Alteration, type AlterationJson } from '@k2/domain/lake';
import type { TableName } from '@k2/domain/market';
import { namedDigest, type TickStore } from '@k2/ports';

/** What can be told of a table's content without reading its rows. */
export interface InspectionReport {
  readonly table: TableName;
  readonly dryRun: boolean;
  /** Of the table's rows up to now, the oldest first. */
  readonly alterations: readonly FoundAlteration[];
  readonly files: number;
  /** Data files whose names tell no digest: they are read unchecked. */
  readonly uncheckedFiles: number;
}

/** `kind`: what answers over the rows concerned say. */
export type FoundAlteration = AlterationJson & { readonly kind: AlterationKind };

export const ALTERATION_KINDS = ['removed', 'unverifiable'] as const;
export type AlterationKind = (typeof ALTERATION_KINDS)[number];

const KIND_OF: Readonly<Record<Alteration['cause'], AlterationKind>> = {
  retention: 'removed',
  'other-engine': 'unverifiable',
};

/** As the table is now, a return to an earlier snapshot included. Throws as TickStore does. */
export async function inspectTable(
  store: Pick<TickStore, 'plan'>,
  table: TableName,
): Promise<Omit<InspectionReport, 'dryRun'>> {
  const { alterations, files } = await store.plan({ table, asOf: { kind: 'latest' } });
  return {
    table,
    alterations: alterations.map((one) => ({ kind: KIND_OF[one.cause], ...alterationJson(one) })),
    files: files.length,
    uncheckedFiles: files.filter(({ key }) => namedDigest(key) === null).length,
  };
}
