import { readFileSync } from 'node:fs';

/** Built code lies in dist/, one level further down than its source. */
const packageFile = new URL(
  import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json',
  import.meta.url,
);

export const VERSIONS = {
  k2: (JSON.parse(readFileSync(packageFile, 'utf8')) as { readonly version: string }).version,
  node: process.versions.node,
} as const;
