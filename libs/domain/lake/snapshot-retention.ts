/**
 * Which snapshots of a table are kept. A server commits every few seconds, and each snapshot stays in the metadata that
 * every commit writes anew; so the older a snapshot, the fewer of its neighbours stay beside it.
 */
export interface SnapshotRetention {
  /** The newest ones, whatever their age; at least the current one. */
  readonly keepNewest: number;
  /** By rising age: snapshots younger than `ageMs` stay, the last one of each `everyMs`; 0: all of them. */
  readonly tiers: readonly { readonly ageMs: number; readonly everyMs: number }[];
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const SNAPSHOT_RETENTION: SnapshotRetention = {
  keepNewest: 10,
  tiers: [
    { ageMs: 10 * MINUTE_MS, everyMs: 0 },
    { ageMs: 3 * DAY_MS, everyMs: HOUR_MS },
    { ageMs: 90 * DAY_MS, everyMs: DAY_MS },
  ],
};

/**
 * Those of the snapshots (UTC µs, rising) that stay, as indexes. Windows are aligned to 1970 and the last snapshot of each
 * stays, so that all tables of one lake keep the same instants.
 */
export function keptSnapshots(
  committedUs: readonly number[],
  retention: SnapshotRetention,
  nowUs: number,
): ReadonlySet<number> {
  const kept = new Set<number>();
  const lastOfWindow = new Map<string, number>();
  committedUs.forEach((atUs, index) => {
    if (index >= committedUs.length - Math.max(1, retention.keepNewest)) kept.add(index);
    const tier = retention.tiers.find(({ ageMs }) => nowUs - atUs < ageMs * 1_000);
    if (tier === undefined) return;
    if (tier.everyMs === 0) kept.add(index);
    else lastOfWindow.set(`${tier.everyMs}/${Math.floor(atUs / (tier.everyMs * 1_000))}`, index);
  });
  for (const index of lastOfWindow.values()) kept.add(index);
  return kept;
}
