import { expect, it } from '@jest/globals';
import { isPortError } from '@k2/ports';
import { at, placesOf, readAll, ticksOf, trades, type TickLogBench } from './bench.ts';

export function trimCases(bench: () => TickLogBench): void {
  it('forgets what was trimmed, says so, and goes on counting', async () => {
    const { log, declare } = bench();
    const topic = await declare();
    for (let i = 0; i < 5; i++) await log.append(topic, trades(i + 1, 1));
    await log.trim([at(topic, 3)]);
    await log.trim([at(topic, 1)]);
    await expect(log.read({ positions: [at(topic, 2)], bytesMax: 1, waitMs: 0 })).rejects.toMatchObject({
      kind: 'offset-trimmed',
      context: { topic, partition: 0, startOffset: 3 },
    });
    expect(ticksOf(await readAll(log, [at(topic, 3)]))).toEqual(['BHP:4', 'BHP:5']);
    await log.trim([at(topic, 5)]);
    expect(await log.offsets([topic])).toMatchObject([{ startOffset: 5, endOffset: 5 }]);
    expect((await log.append(topic, trades())).records[0].offset).toBe(5);
  });
}

export function closeCases(bench: () => TickLogBench): void {
  it('finishes accepted appends when it is closed, and then refuses everything', async () => {
    const { log, declare } = bench();
    const topic = await declare();
    const accepted = Array.from({ length: 20 }, (_, i) => log.append(topic, trades(i + 1, 1)));
    const empty = [at(await declare())];
    const waiting = expect(log.read({ positions: empty, bytesMax: 1, waitMs: 60_000 })).rejects.toMatchObject({
      kind: 'closed',
    });
    await log.close();
    expect(await Promise.all(accepted)).toHaveLength(20);
    await waiting;
    await expect(log.append(topic, trades())).rejects.toMatchObject({ kind: 'closed' });
    await expect(log.read({ positions: [at(topic)], bytesMax: 1, waitMs: 0 })).rejects.toMatchObject({
      kind: 'closed',
    });
    await expect(log.topics()).rejects.toMatchObject({ kind: 'closed' });
    await log.close();
  });
}

export function durabilityCases(bench: () => TickLogBench): void {
  it('has everything acknowledged after it was opened again', async () => {
    const { log, declare, harness } = bench();
    const topic = await declare(2);
    const positions = [at(topic), at(topic, 0, 1)];
    await Promise.all(Array.from({ length: 50 }, (_, i) => log.append(topic, trades(i + 1, 1, `SYM${i % 5}`))));
    const before = {
      topics: await log.topics(),
      offsets: await log.offsets([topic]),
      places: placesOf(await readAll(log, positions)),
    };
    const reopened = await harness.reopen!();
    const after = {
      topics: await reopened.topics(),
      offsets: await reopened.offsets([topic]),
      places: placesOf(await readAll(reopened, positions)),
    };
    expect(before.places).toHaveLength(50);
    expect(after).toEqual(before);
  });
}

export function durableTrimCases(bench: () => TickLogBench): void {
  it('goes on counting after complete trimming and a restart', async () => {
    const { log, declare, harness } = bench();
    const topic = await declare();
    for (let i = 0; i < 3; i++) await log.append(topic, trades());
    await log.trim([at(topic, 3)]);
    const reopened = await harness.reopen!();
    expect(await reopened.offsets([topic])).toMatchObject([{ startOffset: 3, endOffset: 3 }]);
    expect((await reopened.append(topic, trades())).records[0].offset).toBe(3);
  });
}

export function boundCases(bench: () => TickLogBench): void {
  it('refuses appends when it is full, and takes them again when it was trimmed', async () => {
    const log = await bench().create({ bytesMax: 20_000 });
    const topic = bench().topicName();
    await log.declareTopic({ name: topic, partitions: 1, framing: bench().framing });
    const fill = async () => {
      for (let appended = 0; appended < 10_000; appended++) {
        const refused = await log.append(topic, trades(1, 100)).then(
          () => null,
          (error: unknown) => error,
        );
        if (isPortError(refused, 'log-full')) return { appended, refused };
        if (refused !== null) throw refused;
      }
      throw new Error('the log never got full');
    };
    const first = await fill();
    expect(first.appended).toBeGreaterThan(0);
    expect(first.refused.context).toMatchObject({ bytesMax: 20_000 });
    expect(await readAll(log, [at(topic)])).toHaveLength(first.appended);
    await log.trim([at(topic, first.appended)]);
    expect((await fill()).appended).toBe(first.appended);
  });
}

export function damageCases(bench: () => TickLogBench): void {
  it('hands on a record that is no block as bytes, and goes on behind it', async () => {
    const { log, declare, harness } = bench();
    const topic = await declare();
    for (let i = 0; i < 3; i++) await log.append(topic, trades(i + 1, 1));
    const records = await readAll(await harness.damage!({ topic, partition: 0, offset: 1 }), [at(topic)]);
    expect(records.map(({ offset, payload }) => [offset, payload.kind])).toEqual([
      [0, 'ticks'],
      [1, 'undecodable'],
      [2, 'ticks'],
    ]);
    const { payload, sizeBytes } = records[1];
    if (payload.kind !== 'undecodable') throw new Error('unreachable');
    expect(payload.raw).toHaveLength(sizeBytes);
    expect(payload.detail).not.toBe('');
  });
}
