import type { Snapshot, TableMetadata } from './metadata.ts';
import { UnsupportedFile } from './unsupported-file.ts';

/**
 * Metadata as JSON. Snapshot ids are 63-bit integers, beyond what JavaScript's numbers hold: they are read from the
 * digits as they stand in the text, and written as digits.
 */
export function parseMetadata(text: string): TableMetadata {
  const { 'current-snapshot-id': current, ...metadata } = EXACT_JSON.parse(text, reviveSnapshotId) as TableMetadata;
  if (metadata['format-version'] !== 2) {
    throw new UnsupportedFile(
      `format version ${String(metadata['format-version'])} of ${metadata.location} is not supported: expected 2`,
    );
  }
  // Some writers say -1 where there is no snapshot, others null or nothing.
  const hasSnapshot = typeof current === 'bigint' && current !== -1n;
  return { ...EMPTY, ...metadata, ...(hasSnapshot ? { 'current-snapshot-id': current } : {}) };
}

/** Lists that writers may leave out. */
const EMPTY = { properties: {}, refs: {}, snapshots: [], 'snapshot-log': [], 'metadata-log': [] };

export function printMetadata({ snapshots, ...metadata }: TableMetadata): string {
  const rest = JSON.stringify(metadata, printSnapshotId);
  return `${rest.slice(0, -1)},"snapshots":[${snapshots.map(printSnapshot).join(',')}]}`;
}

/** Snapshots never change and are by far the most of the text: each is printed once, not at every commit again. */
const printed = new WeakMap<Snapshot, string>();

function printSnapshot(snapshot: Snapshot): string {
  let text = printed.get(snapshot);
  if (text === undefined) {
    text = JSON.stringify(snapshot, printSnapshotId);
    printed.set(snapshot, text);
  }
  return text;
}

const SNAPSHOT_ID_KEYS: ReadonlySet<string> = new Set([
  'snapshot-id',
  'parent-snapshot-id',
  'current-snapshot-id',
  'source-snapshot-id',
]);

function reviveSnapshotId(key: string, value: unknown, context: { readonly source?: string }): unknown {
  return typeof value === 'number' && SNAPSHOT_ID_KEYS.has(key) ? BigInt(context.source!) : value;
}

function printSnapshotId(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? EXACT_JSON.rawJSON(value.toString()) : value;
}

/** "JSON.parse source text access" (TC39, stage 4; in Node since 21), which TypeScript's library does not list yet. */
const EXACT_JSON = JSON as typeof JSON & {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
};
