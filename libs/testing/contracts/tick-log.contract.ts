import { afterEach, beforeEach, describe } from '@jest/globals';
import type { Framing } from '@k2/domain/wire';
import type { TickLogBench, TickLogCapabilities, TickLogHarness } from './tick-log/bench.ts';
import { appendCases, blockCases, readCases, topicCases } from './tick-log/append-read-cases.ts';
import { groupCases } from './tick-log/group-cases.ts';
import {
  boundCases,
  closeCases,
  damageCases,
  durabilityCases,
  durableTrimCases,
  trimCases,
} from './tick-log/lifetime-cases.ts';

export type { TickLogCapabilities, TickLogHarness } from './tick-log/bench.ts';

export interface TickLogSuite {
  /** A log of its own each time; on a server that outlives the test, one whose topics nobody else uses. */
  create(options: { readonly bytesMax?: number }): Promise<TickLogHarness>;
  readonly capabilities: TickLogCapabilities;
  /** Of the topics that it is tried on; `block` where absent. */
  readonly framing?: Framing;
}

/**
 * What every TickLog does, whatever it is made of. A capability that an adapter declares is checked; one that it does
 * not declare has no cases.
 */
export function tickLogContract(name: string, { create, capabilities, framing = 'block' }: TickLogSuite): void {
  describe(`TickLog: ${name}`, () => {
    let topics = 0;
    let bench: TickLogBench;
    let harnesses: TickLogHarness[];

    beforeEach(async () => {
      const harness = await create({});
      harnesses = [harness];
      const topicName = () => `market.equities.trades.contract-${++topics}`;
      bench = {
        harness,
        log: harness.log,
        framing,
        topicName,
        declare: async (partitions = 1) =>
          (await harness.log.declareTopic({ name: topicName(), partitions, framing })).name,
        create: async (options) => {
          const further = await create(options);
          harnesses.push(further);
          return further.log;
        },
      };
    });
    afterEach(async () => {
      for (const harness of harnesses) await harness.close();
    });

    const current = () => bench;
    topicCases(current);
    appendCases(current);
    readCases(current);
    if (framing === 'block') blockCases(current);
    groupCases(current);
    closeCases(current);
    if (capabilities.trims) trimCases(current);
    if (capabilities.durable) durabilityCases(current);
    if (capabilities.durable && capabilities.trims) durableTrimCases(current);
    if (capabilities.bounded) boundCases(current);
    if (capabilities.damageable) damageCases(current);
  });
}
