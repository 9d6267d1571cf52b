import { fnv1a64 } from './fnv1a64.ts';

/** Names what was refused so that the same bytes from the same place are one entry: `source:position:hash`. */
export function quarantineId(source: string, position: number, raw: Uint8Array): string {
  return `${source}:${position}:${fnv1a64(raw)}`;
}
