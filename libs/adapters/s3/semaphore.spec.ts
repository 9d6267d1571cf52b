import { describe, expect, it } from '@jest/globals';
import { Semaphore } from './semaphore.ts';

/** Work that ends when it is told. */
function work() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  const state = { hasBegun: false };
  return { state, end, run: () => ((state.hasBegun = true), ended) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('Semaphore', () => {
  it('lets no light work pass a heavy one that waits', async () => {
    const semaphore = new Semaphore(10, 10, 'uploads');
    const [first, heavy, light] = [work(), work(), work()];
    const all = [semaphore.use(6, first.run), semaphore.use(8, heavy.run), semaphore.use(1, light.run)];
    await settled();
    expect([first, heavy, light].map(({ state }) => state.hasBegun)).toEqual([true, false, false]);
    first.end();
    await settled();
    expect([heavy, light].map(({ state }) => state.hasBegun)).toEqual([true, true]);
    heavy.end();
    light.end();
    await Promise.all(all);
  });

  it('runs work heavier than the whole alone', async () => {
    const semaphore = new Semaphore(10, 10, 'uploads');
    const [huge, next] = [work(), work()];
    const all = [semaphore.use(1_000, huge.run), semaphore.use(1, next.run)];
    await settled();
    expect([huge, next].map(({ state }) => state.hasBegun)).toEqual([true, false]);
    huge.end();
    next.end();
    await Promise.all(all);
  });

  it('goes on after work that failed', async () => {
    const semaphore = new Semaphore(1, 1, 'uploads');
    await expect(semaphore.use(1, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    await semaphore.use(1, () => Promise.resolve());
  });

  it('refuses what is beyond those that may wait', async () => {
    const semaphore = new Semaphore(1, 1, 'uploads');
    const [running, waiting] = [work(), work()];
    const all = [semaphore.use(1, running.run), semaphore.use(1, waiting.run)];
    await expect(semaphore.use(1, () => Promise.resolve())).rejects.toMatchObject({
      kind: 'unavailable',
      retryable: true,
    });
    running.end();
    waiting.end();
    await Promise.all(all);
  });
});
