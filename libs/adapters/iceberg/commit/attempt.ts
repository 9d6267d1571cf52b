import type { CatalogChange } from '@k2/ports';

/** A change of the catalog that is ready to be applied. */
export interface Attempt {
  readonly change: CatalogChange;
  /** Metadata files and manifests that nothing names any more once the change took effect. */
  readonly retired: readonly string[];
}
