/** What the server ends with. */
export const EXIT = {
  /** As asked. */
  stopped: 0,
  failed: 1,
  /** A wrong setting. */
  misconfigured: 2,
  /** Another process has the data directory. */
  locked: 3,
  /** Asked twice: it did not wait for what was under way. */
  cutShort: 130,
} as const;
