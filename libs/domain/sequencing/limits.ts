export interface SequencingLimits {
  /** A hole filled while at most this many later sequences were seen is reordering, not a gap. */
  readonly reorderTicksMax: number;
  /** Holes remembered a series; at the bound the oldest is given up, and late ticks from before it are refused. */
  readonly missingRangesMax: number;
  /**
   * Without sessions: numbers that fall back near their start after this long a silence (venue's time) are a reset.
   * One whose first ticks were lost, so that the numbers do not fall, can't be told from numbers that go on.
   */
  readonly resetQuietUs: number;
  /** Without sessions: how near to the start is near. */
  readonly resetSequenceMax: number;
}

export const SEQUENCING_LIMITS: SequencingLimits = {
  reorderTicksMax: 64,
  missingRangesMax: 1_000,
  resetQuietUs: 60_000_000,
  resetSequenceMax: 1_000,
};
