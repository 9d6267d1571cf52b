export interface EncodedRecord {
  readonly partitionKey: number;
  readonly payload: Uint8Array;
}

export interface AppendQueueOptions {
  /** Appends beyond this many encoded bytes wait, not encoded, until earlier ones are written. */
  readonly queuedBytesMax: number;
  /** A transaction takes appends until it has this many bytes, and always one. */
  readonly groupBytesMax: number;
  /** Whether the log can take the bytes on top of those queued: `later` when space is being freed, or why not. */
  readonly admit: (bytes: number, queuedBytes: number) => 'now' | 'later' | Error;
  /** One transaction; answers the offset of each record. */
  readonly write: (records: readonly EncodedRecord[]) => Promise<readonly number[]>;
}

/**
 * A second transaction is handed to the writing thread while the first is being flushed, so that it never waits for
 * the caller's; appends that arrive meanwhile share the next one.
 */
const GROUPS_IN_FLIGHT_MAX = 2;

/** Group commit: many appends, few transactions, first come first served. */
export class AppendQueue {
  private readonly options: AppendQueueOptions;
  private readonly waiting: WaitingAppend[] = [];
  private readonly encoded: EncodedAppend[] = [];
  private idleListeners: (() => void)[] = [];
  private groupsInFlight = 0;
  private queued = 0;

  constructor(options: AppendQueueOptions) {
    this.options = options;
  }

  /** Encoded and not yet written. */
  get queuedBytes(): number {
    return this.queued;
  }

  /** Resolves with the records' offsets when they are durable. `encode` runs as soon as the queue has room. */
  push(encode: () => readonly EncodedRecord[]): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ encode, records: null, resolve, reject });
      this.pump();
    });
  }

  /** Takes what waits as far as there is room; to be called when room was made. */
  pump(): void {
    while (this.waiting.length > 0 && this.queued < this.options.queuedBytesMax) {
      if (!this.encodeNext()) break;
    }
    this.flush();
    if (this.isIdle) for (const listener of this.idleListeners.splice(0)) listener();
  }

  /** Resolves when everything pushed so far, and since, is settled. */
  async idle(): Promise<void> {
    if (!this.isIdle) await new Promise<void>((resolve) => this.idleListeners.push(resolve));
  }

  private get isIdle(): boolean {
    return this.waiting.length + this.encoded.length + this.groupsInFlight === 0;
  }

  /** False when the head of the line has to wait for space in the log. */
  private encodeNext(): boolean {
    const next = this.waiting[0];
    try {
      next.records ??= next.encode();
    } catch (error) {
      this.waiting.shift();
      next.reject(error as Error);
      return true;
    }
    const { records } = next;
    const bytes = records.reduce((sum, { payload }) => sum + payload.byteLength, 0);
    const admitted = this.options.admit(bytes, this.queued);
    if (admitted === 'later') return false;
    this.waiting.shift();
    if (admitted === 'now') {
      this.queued += bytes;
      this.encoded.push({ records, bytes, resolve: next.resolve, reject: next.reject });
    } else next.reject(admitted);
    return true;
  }

  private flush(): void {
    while (this.encoded.length > 0 && this.groupsInFlight < GROUPS_IN_FLIGHT_MAX)
      void this.writeGroup(this.takeGroup());
  }

  private takeGroup(): EncodedAppend[] {
    let count = 0;
    let bytes = 0;
    do bytes += this.encoded[count++].bytes;
    while (count < this.encoded.length && bytes + this.encoded[count].bytes <= this.options.groupBytesMax);
    return this.encoded.splice(0, count);
  }

  private async writeGroup(group: readonly EncodedAppend[]): Promise<void> {
    this.groupsInFlight++;
    try {
      const offsets = await this.options.write(group.flatMap(({ records }) => records));
      let first = 0;
      for (const { records, resolve } of group) resolve(offsets.slice(first, (first += records.length)));
    } catch (error) {
      for (const { reject } of group) reject(error as Error);
    } finally {
      this.groupsInFlight--;
      for (const { bytes } of group) this.queued -= bytes;
      this.pump();
    }
  }
}

interface WaitingAppend {
  readonly encode: () => readonly EncodedRecord[];
  records: readonly EncodedRecord[] | null;
  readonly resolve: (offsets: readonly number[]) => void;
  readonly reject: (error: Error) => void;
}

interface EncodedAppend {
  readonly records: readonly EncodedRecord[];
  readonly bytes: number;
  readonly resolve: (offsets: readonly number[]) => void;
  readonly reject: (error: Error) => void;
}
