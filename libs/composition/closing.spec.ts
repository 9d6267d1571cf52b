import { describe, expect, it } from '@jest/globals';
import { SystemClock, SystemScheduler } from '@k2/adapter-system';
import { Closing } from './closing.ts';

const ports = { clock: new SystemClock(), scheduler: new SystemScheduler() };

describe('closing', () => {
  it('takes every step, the last opened first, whatever the others come to, and tells of all that failed', async () => {
    const taken: string[] = [];
    const closing = new Closing(ports, 200);
    closing.add('lock', () => taken.push('lock'));
    closing.add('log', () => new Promise(() => taken.push('log')));
    closing.add('catalog', () => {
      taken.push('catalog');
      throw new Error('is away');
    });
    closing.add('engine', async () => taken.push('engine'));
    const closed = closing.close();
    expect(closing.close()).toBe(closed);
    const error = await closed.catch((cause: unknown) => cause as AggregateError);
    expect(taken).toEqual(['engine', 'catalog', 'log', 'lock']);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).message).toMatch(/^catalog: is away; log: had not ended after \d+ ms$/);
  });

  it('resolves when all went well', async () => {
    const closing = new Closing(ports, 200);
    closing.add('log', () => undefined);
    await expect(closing.close()).resolves.toBeUndefined();
  });
});
