import { PortError, type StateStore } from '@k2/ports';
import { RedisConnection, type RedisConnectionOptions } from './redis-connection.ts';

export interface RedisStateStoreOptions extends RedisConnectionOptions {
  /** Stores of one prefix share their values. */
  readonly keyPrefix?: string;
  /** Of one value, as UTF-8. Larger ones are refused as `too-large`. */
  readonly valueBytesMax?: number;
}

/** A StateStore in Redis: a key a value. What Redis loses is lost. */
export class RedisStateStore implements StateStore {
  private readonly connection: RedisConnection;
  private readonly keyPrefix: string;
  private readonly valueBytesMax: number;

  /** Resolves also where Redis is away; calls then fail until it is there. */
  static async open(options: RedisStateStoreOptions): Promise<RedisStateStore> {
    return new RedisStateStore(await RedisConnection.open(options), options);
  }

  private constructor(connection: RedisConnection, options: RedisStateStoreOptions) {
    this.connection = connection;
    this.keyPrefix = options.keyPrefix ?? 'k2:state:';
    this.valueBytesMax = options.valueBytesMax ?? 1 << 20;
  }

  async get(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    const values = await this.connection.call(async (client) =>
      keys.length === 0
        ? []
        : client.sendCommand<(string | null)[]>(['MGET', ...keys.map((key) => this.keyPrefix + key)]),
    );
    keys.forEach((key, i) => {
      const value = values[i];
      if (value !== null) found.set(key, value);
    });
    return found;
  }

  async put(entries: ReadonlyMap<string, string | null>): Promise<void> {
    const written: string[] = [];
    const removed: string[] = [];
    for (const [key, value] of entries) {
      if (value === null) removed.push(this.keyPrefix + key);
      else written.push(this.keyPrefix + key, this.checked(key, value));
    }
    await this.connection.call(async (client) => {
      const transaction = client.multi();
      if (written.length > 0) transaction.addCommand(['MSET', ...written]);
      if (removed.length > 0) transaction.addCommand(['DEL', ...removed]);
      if (entries.size > 0) await transaction.exec();
    });
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  private checked(key: string, value: string): string {
    if (Buffer.byteLength(value) <= this.valueBytesMax) return value;
    const message = `the value of ${key} has more than ${this.valueBytesMax} bytes: keep less state under one key`;
    throw new PortError('too-large', message, { key, bytesMax: this.valueBytesMax });
  }
}
