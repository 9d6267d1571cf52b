import { afterEach, describe, jest } from '@jest/globals';
import { TickStoreBenches, type TickStoreCapabilities, type TickStoreHarness } from './tick-store/bench.ts';
import { commitCases } from './tick-store/commit-cases.ts';
import { durabilityCases } from './tick-store/durability-cases.ts';
import { evolutionCases } from './tick-store/evolution-cases.ts';
import { fencingCases } from './tick-store/fencing-cases.ts';
import { pruningCases } from './tick-store/pruning-cases.ts';
import { roundTripCases } from './tick-store/round-trip-cases.ts';
import { snapshotCases, timeTravelCases } from './tick-store/snapshot-cases.ts';

export type { TickStoreCapabilities, TickStoreHarness } from './tick-store/bench.ts';

/**
 * What every TickStore does, whatever it is made of. `create` gives an empty store, with no tables yet, each time.
 * A capability that an adapter declares is checked; one that it does not declare has no cases.
 */
export function tickStoreContract(
  name: string,
  { create, capabilities }: { create(): Promise<TickStoreHarness>; readonly capabilities: TickStoreCapabilities },
): void {
  describe(`TickStore: ${name}`, () => {
    // Of stores on disk, the properties and the full batch take seconds on a busy machine.
    jest.setTimeout(120_000);
    const benches = new TickStoreBenches(create);
    afterEach(() => benches.close());

    commitCases(benches);
    fencingCases(benches);
    snapshotCases(benches);
    if (capabilities.timeTravel) timeTravelCases(benches);
    roundTripCases(benches);
    pruningCases(benches, capabilities);
    if (capabilities.evolution) evolutionCases(benches, capabilities);
    if (capabilities.durable) durabilityCases(benches);
  });
}
