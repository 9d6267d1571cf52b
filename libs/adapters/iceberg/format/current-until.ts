import type { Snapshot } from './metadata.ts';

/**
 * Summary key: until when a snapshot was current, milliseconds since 1970. The table spec has the snapshot log forget
 * everything before a snapshot that was given up; without this nobody could tell which of the older ones was current when.
 */
const CURRENT_UNTIL_PROPERTY = 'k2.current-until-ms';

/** Null while the snapshot log tells it. */
export function currentUntilMs({ summary }: Snapshot): number | null {
  const text = summary[CURRENT_UNTIL_PROPERTY];
  return text === undefined ? null : Number(text);
}

export function withCurrentUntilMs(snapshot: Snapshot, untilMs: number): Snapshot {
  return { ...snapshot, summary: { ...snapshot.summary, [CURRENT_UNTIL_PROPERTY]: String(untilMs) } };
}
