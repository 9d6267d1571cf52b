import { PortError, type StateStore } from '@k2/ports';

export interface MemoryStateStoreOptions {
  /** At the bound the values put longest ago are dropped. */
  readonly entriesMax?: number;
  /** Of one value, as UTF-8. Larger ones are refused as `too-large`. */
  readonly valueBytesMax?: number;
}

/** A StateStore within one process. */
export class MemoryStateStore implements StateStore {
  private readonly entriesMax: number;
  private readonly valueBytesMax: number;
  /** Longest ago first. */
  private readonly values = new Map<string, string>();
  private isClosed = false;

  constructor({ entriesMax = 1_000_000, valueBytesMax = 1 << 20 }: MemoryStateStoreOptions = {}) {
    this.entriesMax = entriesMax;
    this.valueBytesMax = valueBytesMax;
  }

  async get(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    this.assertOpen();
    const found = new Map<string, string>();
    for (const key of keys) {
      const value = this.values.get(key);
      if (value !== undefined) found.set(key, value);
    }
    return found;
  }

  async put(entries: ReadonlyMap<string, string | null>): Promise<void> {
    this.assertOpen();
    for (const [key, value] of entries) {
      if (value === null || Buffer.byteLength(value) <= this.valueBytesMax) continue;
      const message = `the value of ${key} has more than ${this.valueBytesMax} bytes: keep less state under one key`;
      throw new PortError('too-large', message, { key, bytesMax: this.valueBytesMax });
    }
    for (const [key, value] of entries) {
      this.values.delete(key);
      if (value !== null) this.values.set(key, value);
    }
    for (const oldest of this.values.keys()) {
      if (this.values.size <= this.entriesMax) break;
      this.values.delete(oldest);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  private assertOpen(): void {
    if (this.isClosed) throw new PortError('closed', 'this state store was closed: open another');
  }
}
