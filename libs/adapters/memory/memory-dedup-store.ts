import { PortError, type Clock, type DedupStore } from '@k2/ports';

export interface MemoryDedupStoreOptions {
  readonly clock: Clock;
  readonly windowMs: number;
  /** At the bound those remembered longest ago are forgotten early: they then count as unseen. */
  readonly idsMax?: number;
}

/** A DedupStore within one process, for tests and for a server that is the only one to record its feeds. */
export class MemoryDedupStore implements DedupStore {
  private readonly clock: Clock;
  private readonly windowUs: number;
  private readonly idsMax: number;
  /** When each was remembered, oldest first. */
  private readonly rememberedUs = new Map<string, number>();
  private isClosed = false;

  constructor({ clock, windowMs, idsMax = 1_000_000 }: MemoryDedupStoreOptions) {
    this.clock = clock;
    this.windowUs = windowMs * 1_000;
    this.idsMax = idsMax;
  }

  get size(): number {
    return this.rememberedUs.size;
  }

  async seen(ids: readonly string[]): Promise<Uint8Array> {
    this.assertOpen();
    const nowUs = this.clock.monotonicUs();
    return Uint8Array.from(ids, (id) => {
      const atUs = this.rememberedUs.get(id);
      return atUs !== undefined && nowUs - atUs < this.windowUs ? 1 : 0;
    });
  }

  async remember(ids: readonly string[]): Promise<void> {
    this.assertOpen();
    const nowUs = this.clock.monotonicUs();
    for (const id of ids) {
      this.rememberedUs.delete(id);
      this.rememberedUs.set(id, nowUs);
    }
    for (const [id, atUs] of this.rememberedUs) {
      if (this.rememberedUs.size <= this.idsMax && nowUs - atUs < this.windowUs) break;
      this.rememberedUs.delete(id);
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.rememberedUs.clear();
  }

  private assertOpen(): void {
    if (this.isClosed) throw new PortError('closed', 'this dedup store was closed: open another');
  }
}
