import { afterEach, beforeEach, describe } from '@jest/globals';
import type { TickLogBench, TickLogCapabilities, TickLogHarness } from './tick-log/bench.ts';
import { appendCases, readCases, topicCases } from './tick-log/append-read-cases.ts';
import { groupCases } from './tick-log/group-cases.ts';
import { boundCases, closeCases, damageCases, durabilityCases, trimCases } from './tick-log/lifetime-cases.ts';

export type { TickLogCapabilities, TickLogHarness } from './tick-log/bench.ts';

export interface TickLogSuite {
  /** A log of its own each time; on a server that outlives the test, one whose topics nobody else uses. */
  create(options: { readonly bytesMax?: number }): Promise<TickLogHarness>;
  readonly capabilities: TickLogCapabilities;
  /** Makes topic names unique on a server that outlives the test. */
  readonly topicPrefix?: string;
}

/**
 * What every TickLog does, whatever it is made of. A capability that an adapter declares is checked; one that it does
 * not declare has no cases.
 */
export function tickLogContract(name: string, { create, capabilities, topicPrefix = 'contract' }: TickLogSuite): void {
  describe(`TickLog: ${name}`, () => {
    let topics = 0;
    let bench: TickLogBench;
    let harnesses: TickLogHarness[];

    beforeEach(async () => {
      const harness = await create({});
      harnesses = [harness];
      const topicName = () => `${topicPrefix}.topic-${++topics}`;
      bench = {
        harness,
        log: harness.log,
        topicName,
        declare: async (partitions = 1) =>
          (await harness.log.declareTopic({ name: topicName(), partitions, framing: 'block' })).name,
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
    trimCases(current);
    groupCases(current);
    closeCases(current);
    if (capabilities.durable) durabilityCases(current);
    if (capabilities.bounded) boundCases(current);
    if (capabilities.damageable) damageCases(current);
  });
}
