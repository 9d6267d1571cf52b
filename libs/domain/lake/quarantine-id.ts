/**
 * Names what was refused so that the same bytes from the same place are one entry: `source:position:hash`, the hash
 * being 64 bits of FNV-1a as two 32-bit lanes with different offsets.
 */
export function quarantineId(source: string, position: number, raw: Uint8Array): string {
  let low = 0x811c9dc5;
  let high = 0xcbf29ce4;
  for (const byte of raw) {
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x01000193) ^ (low >>> 15);
  }
  const hex = (lane: number) => (lane >>> 0).toString(16).padStart(8, '0');
  return `${source}:${position}:${hex(high)}${hex(low)}`;
}
