/** Keeps what was used last, up to a number of bytes; what alone is larger is not kept. */
export class BytesBoundedCache<Value extends { readonly sizeBytes: number }> {
  private readonly bytesMax: number;
  private readonly values = new Map<string, Value>();
  private bytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get(key: string): Value | undefined {
    const value = this.values.get(key);
    if (value === undefined) return undefined;
    this.values.delete(key);
    this.values.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.delete(key);
    this.values.set(key, value);
    this.bytes += bytesOf(key, value);
    for (const oldest of this.values.keys()) {
      if (this.bytes <= this.bytesMax) return;
      this.delete(oldest);
    }
  }

  private delete(key: string): void {
    const value = this.values.get(key);
    if (value === undefined) return;
    this.values.delete(key);
    this.bytes -= bytesOf(key, value);
  }
}

function bytesOf(key: string, { sizeBytes }: { readonly sizeBytes: number }): number {
  return 2 * key.length + sizeBytes;
}
