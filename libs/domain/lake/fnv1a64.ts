/** 64-bit FNV-1a as 16 hex digits (http://www.isthe.com/chongo/tech/comp/fnv). In two 32-bit halves: no BigInt per byte. */
export function fnv1a64(bytes: Uint8Array): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of bytes) {
    low = (low ^ byte) >>> 0;
    // × the prime 2^40 + 435
    const product = low * 435;
    high = (high * 435 + Math.floor(product / 4_294_967_296) + ((low << 8) >>> 0)) % 4_294_967_296;
    low = product % 4_294_967_296;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
