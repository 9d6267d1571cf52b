import { randomUUID } from 'node:crypto';
import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DEDUP_WINDOW_MS, STATE_VALUE_BYTES_MAX, dedupStoreContract, stateStoreContract } from '@k2/testing/contracts';
import { TcpFaultProxy } from '@k2/testing/faults';
import { service } from '@k2/testing/services';
import { RedisDedupStore, type RedisDedupStoreOptions } from './redis-dedup-store.ts';
import { RedisStateStore } from './redis-state-store.ts';
import { CountingTelemetry, systemPorts, until } from './test-support/ports.ts';

const newPrefix = () => `test:${randomUUID()}:`;

async function openDedup(options: Partial<RedisDedupStoreOptions> = {}) {
  const telemetry = new CountingTelemetry();
  const store = await RedisDedupStore.open({
    url: service('redis').url,
    windowMs: DEDUP_WINDOW_MS,
    telemetry,
    ...systemPorts,
    ...options,
  });
  return { store, telemetry };
}

/** A clock for the filter; Redis has its own. */
function steppedClock() {
  const clock = { us: 0, nowUs: () => clock.us, monotonicUs: () => clock.us };
  return clock;
}

dedupStoreContract('redis, shared', {
  capabilities: { shared: true, manualTime: false },
  create: async () => {
    const keyPrefix = newPrefix();
    const opened: RedisDedupStore[] = [];
    const open = async () => {
      const { store } = await openDedup({ keyPrefix });
      opened.push(store);
      return store;
    };
    return {
      store: await open(),
      another: open,
      close: async () => {
        for (const store of opened) await store.close();
      },
    };
  },
});

dedupStoreContract('redis, exclusive, open for a window', {
  capabilities: { shared: false, manualTime: false },
  create: async () => {
    const clock = steppedClock();
    const { store } = await openDedup({ keyPrefix: newPrefix(), exclusive: true, idsExpected: 10_000, clock });
    clock.us = DEDUP_WINDOW_MS * 1_000;
    return {
      store,
      another: () => Promise.reject(new Error('an exclusive store has no other')),
      close: () => store.close(),
    };
  },
});

stateStoreContract('redis', {
  create: async () => {
    const opened: RedisStateStore[] = [];
    const keyPrefix = newPrefix();
    const open = async () => {
      const store = await RedisStateStore.open({
        url: service('redis').url,
        keyPrefix,
        valueBytesMax: STATE_VALUE_BYTES_MAX,
        telemetry: new CountingTelemetry(),
        ...systemPorts,
      });
      opened.push(store);
      return store;
    };
    return {
      store: await open(),
      another: open,
      close: async () => {
        for (const store of opened) await store.close();
      },
    };
  },
});

describe('RedisDedupStore', () => {
  let admin: ReturnType<typeof createClient>;
  let open: { close(): Promise<void> }[] = [];
  beforeAll(async () => {
    admin = createClient({ url: service('redis').url });
    await admin.connect();
  });
  afterEach(async () => {
    for (const each of open) await each.close();
    open = [];
  });
  afterAll(() => admin.close());

  const keysOf = async (prefix: string) => {
    const keys: string[] = [];
    for await (const page of admin.scanIterator({ MATCH: `${prefix}*`, COUNT: 1_000 })) keys.push(...page);
    return keys;
  };
  const dedup = async (options: Partial<RedisDedupStoreOptions>) => {
    const opened = await openDedup(options);
    open.unshift(opened.store);
    return opened;
  };

  it('lets Redis forget when the window has passed, and counts it from the last time', async () => {
    const keyPrefix = newPrefix();
    const { store } = await dedup({ keyPrefix, windowMs: 60_000 });
    await store.remember(['a']);
    const [key] = await keysOf(keyPrefix);
    await admin.pExpire(key, 30_000);
    await store.remember(['a']);
    expect(await admin.pTTL(key)).toBeGreaterThan(30_000);
    expect(await admin.pTTL(key)).toBeLessThanOrEqual(60_000);

    const { store: brief } = await dedup({ keyPrefix: newPrefix(), windowMs: 200 });
    await brief.remember(['a']);
    await until('the window has passed', async () => (await brief.seen(['a']))[0] === 0);
  });

  it('keeps a short key an id, however long the id', async () => {
    const keyPrefix = newPrefix();
    const { store } = await dedup({ keyPrefix });
    await store.remember(['a', 'x'.repeat(100_000)]);
    const keys = await keysOf(keyPrefix);
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(key).toHaveLength(keyPrefix.length + 22);
  });

  it('takes ids that Redis has lost for unseen, with the filter in front as without', async () => {
    for (const exclusive of [false, true]) {
      const keyPrefix = newPrefix();
      const clock = steppedClock();
      const { store } = await dedup({ keyPrefix, exclusive, clock });
      clock.us = DEDUP_WINDOW_MS * 1_000;
      await store.remember(['a', 'b']);
      await admin.del(await keysOf(keyPrefix));
      expect([...(await store.seen(['a', 'b']))]).toEqual([0, 0]);
    }
  });

  it('sees what its predecessor remembered, and trusts its filter only when that is out of date', async () => {
    const keyPrefix = newPrefix();
    const { store: predecessor } = await dedup({ keyPrefix });
    await predecessor.remember(['a']);
    const clock = steppedClock();
    const { store, telemetry } = await dedup({ keyPrefix, exclusive: true, clock });
    clock.us = DEDUP_WINDOW_MS * 1_000 - 1;
    expect([...(await store.seen(['a', 'b']))]).toEqual([1, 0]);
    expect(telemetry.sum('k2_dedup_filtered_ids')).toBe(0);

    await store.remember(['c']);
    clock.us++;
    const unseen = Array.from({ length: 10_000 }, (_, i) => `unseen/${i}`);
    const answer = await store.seen([...unseen, 'c']);
    expect(answer.at(-1)).toBe(1);
    expect(answer.subarray(0, -1).every((byte) => byte === 0)).toBe(true);
    expect(telemetry.sum('k2_dedup_filtered_ids')).toBeGreaterThan(9_700);
  });

  it('answers from its filter while Redis is away, where that is certain', async () => {
    const { hostname, port } = new URL(service('redis').url);
    const proxy = await TcpFaultProxy.listen({ host: hostname, port: Number(port) });
    open.push(proxy);
    const clock = steppedClock();
    const options = { url: `redis://127.0.0.1:${proxy.port}`, keyPrefix: newPrefix(), exclusive: true, clock };
    const { store } = await dedup(options);
    clock.us = DEDUP_WINDOW_MS * 1_000;
    await store.remember(['a']);
    proxy.set({ kind: 'refuse' });
    proxy.reset();
    await until('Redis is away', () =>
      store.seen(['a']).then(
        () => false,
        () => true,
      ),
    );
    expect([...(await store.seen(['b', 'c']))]).toEqual([0, 0]);
    await expect(store.seen(['a', 'b'])).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('comes back by itself from a connection reset, from a silent one, and from a server that is away', async () => {
    const { hostname, port } = new URL(service('redis').url);
    const proxy = await TcpFaultProxy.listen({ host: hostname, port: Number(port) });
    open.push(proxy);
    const options = { url: `redis://127.0.0.1:${proxy.port}`, keyPrefix: newPrefix(), timeoutMs: 500 };
    const { store } = await dedup({ ...options, reconnectDelayMsMax: 50 });
    await store.remember(['before']);
    for (const kind of ['none', 'half-open', 'refuse'] as const) {
      proxy.set({ kind });
      if (kind !== 'half-open') proxy.reset();
      if (kind !== 'none')
        await expect(store.seen(['before'])).rejects.toMatchObject({ kind: 'unavailable', retryable: true });
      proxy.set({ kind: 'none' });
      await until(`an answer after ${kind}`, () =>
        store.seen(['before']).then(
          ([byte]) => byte === 1,
          () => false,
        ),
      );
    }
  });

  it('says that Redis will not have it, and that asking again does not help', async () => {
    const { hostname, port } = new URL(service('redis').url);
    const { store } = await dedup({ url: `redis://nobody:wrong@${hostname}:${port}` });
    await expect(store.seen(['a'])).rejects.toMatchObject({ kind: 'unavailable', retryable: false });
  });
});
