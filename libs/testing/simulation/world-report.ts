/** How a world of one seed went. */
export interface WorldReport {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What the seed had drawn, for people. */
  readonly drawn: string;
  readonly steps: number;
  /** Simulated. */
  readonly lastedMs: number;
  /** Of the steps: equal in every run of the same seed. */
  readonly hash: string;
  /** The steps themselves, where they were asked for. */
  readonly lines: readonly string[] | null;
}
