import type { Clock, Counter, DedupStore } from '@k2/ports';
import { idKey } from './id-keys.ts';
import { RedisConnection, type RedisClient, type RedisConnectionOptions } from './redis-connection.ts';
import { RotatingBloomFilter } from './rotating-bloom-filter.ts';

export interface RedisDedupStoreOptions extends RedisConnectionOptions {
  readonly clock: Clock;
  readonly windowMs: number;
  /** Stores of one prefix share their ids. */
  readonly keyPrefix?: string;
  /**
   * Nobody else remembers ids under this prefix while this store is open. A filter in process then answers for most ids
   * that were never remembered, without Redis. Said of two stores at once, each takes the other's ids for unseen.
   */
  readonly exclusive?: boolean;
  /** Remembered within one window; sizes the filter, 2.8 bytes an id. With more, more questions go to Redis. */
  readonly idsExpected?: number;
  /** Share of unseen ids that the filter cannot answer for. */
  readonly falsePositiveRate?: number;
}

/** A call has to be answered in its time, however many ids there are. */
const KEYS_PER_CALL = 65_536;
/** A command takes about 1 ms of the server's time, so that others get their turn. */
const KEYS_ASKED_PER_COMMAND = 4_096;
const KEYS_TOLD_PER_COMMAND = 512;
/**
 * Every key gets its own time. Many in one command, since a command a key costs more than the key; the locals and PSETEX
 * because they halve what it costs Redis.
 */
const REMEMBER = `
local call, windowMs = redis.call, ARGV[1]
for i = 1, #KEYS do call('PSETEX', KEYS[i], windowMs, '1') end`;

/**
 * A DedupStore in Redis, which is the authority: a key an id, with the window as its time to live, by Redis's clock. What
 * Redis loses (a restart without persistence, eviction) counts as unseen.
 *
 * The filter in front is only asked where its "no" is certain: this store is `exclusive`, and has been open for a whole
 * window, so that whatever an earlier process remembered is out of date. Its "perhaps" is always put to Redis.
 */
export class RedisDedupStore implements DedupStore {
  private readonly connection: RedisConnection;
  private readonly clock: Clock;
  private readonly windowMs: number;
  private readonly keyPrefix: string;
  private readonly filter: RotatingBloomFilter | null;
  private readonly filterIsCompleteFromUs: number;
  private readonly filtered: Counter;
  private readonly asked: Counter;

  /** Resolves also where Redis is away; calls then fail until it is there. */
  static async open(options: RedisDedupStoreOptions): Promise<RedisDedupStore> {
    if (!(Number.isSafeInteger(options.windowMs) && options.windowMs > 0)) {
      throw new RangeError(`windowMs is ${options.windowMs}: expected a whole number of milliseconds, at least 1`);
    }
    return new RedisDedupStore(await RedisConnection.open(options), options);
  }

  private constructor(connection: RedisConnection, options: RedisDedupStoreOptions) {
    const {
      exclusive = false,
      idsExpected = 1_000_000,
      falsePositiveRate = 0.01,
      windowMs,
      clock,
      telemetry,
    } = options;
    const nowUs = clock.monotonicUs();
    this.connection = connection;
    this.clock = clock;
    this.windowMs = windowMs;
    this.keyPrefix = options.keyPrefix ?? 'k2:seen:';
    this.filter = exclusive
      ? new RotatingBloomFilter({ windowUs: windowMs * 1_000, idsExpected, falsePositiveRate }, nowUs)
      : null;
    this.filterIsCompleteFromUs = nowUs + windowMs * 1_000;
    this.filtered = telemetry.counter('k2_dedup_filtered_ids', 'Ids that the filter in process answered for.');
    this.asked = telemetry.counter('k2_dedup_asked_ids', 'Ids that Redis was asked for.');
  }

  async seen(ids: readonly string[]): Promise<Uint8Array> {
    this.connection.assertOpen();
    const answer = new Uint8Array(ids.length);
    const keys: string[] = [];
    const rows: number[] = [];
    const nowUs = this.clock.monotonicUs();
    const filter = nowUs >= this.filterIsCompleteFromUs ? this.filter : null;
    for (let i = 0; i < ids.length; i++) {
      const key = idKey(ids[i]);
      if (filter !== null && !filter.mayHave(key, nowUs)) continue;
      keys.push(this.keyPrefix + key);
      rows.push(i);
    }
    this.filtered.add(ids.length - keys.length);
    this.asked.add(keys.length);
    await this.inCommands(keys, KEYS_ASKED_PER_COMMAND, async (client, slice, from) => {
      const values = await client.sendCommand<(string | null)[]>(['MGET', ...slice]);
      for (let i = 0; i < values.length; i++) answer[rows[from + i]] = values[i] === null ? 0 : 1;
    });
    return answer;
  }

  async remember(ids: readonly string[]): Promise<void> {
    this.connection.assertOpen();
    const keys = ids.map(idKey);
    // First, and whatever becomes of the call: Redis may have heard it even where no answer came.
    const nowUs = this.clock.monotonicUs();
    if (this.filter !== null) for (const key of keys) this.filter.add(key, nowUs);
    const prefixed = keys.map((key) => this.keyPrefix + key);
    await this.inCommands(prefixed, KEYS_TOLD_PER_COMMAND, async (client, slice) => {
      await client.sendCommand(['EVAL', REMEMBER, String(slice.length), ...slice, String(this.windowMs)]);
    });
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  /** `command` is told where its slice begins. All commands of a call are on their way at once. */
  private async inCommands(
    keys: readonly string[],
    keysPerCommand: number,
    command: (client: RedisClient, slice: readonly string[], from: number) => Promise<void>,
  ): Promise<void> {
    for (let start = 0; start < keys.length; start += KEYS_PER_CALL) {
      const end = Math.min(start + KEYS_PER_CALL, keys.length);
      await this.connection.call(async (client) => {
        const commands: Promise<void>[] = [];
        for (let from = start; from < end; from += keysPerCommand) {
          commands.push(command(client, keys.slice(from, Math.min(from + keysPerCommand, end)), from));
        }
        await Promise.all(commands);
      });
    }
  }
}
