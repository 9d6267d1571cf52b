import type { Verdict } from '../crash/compare.ts';

/** What became of a scenario. */
export interface Outcome {
  readonly scenario: string;
  readonly kills: number;
  readonly verdict: Verdict;
  /** From the kill, or from the return of what was killed, to the next commit, ms. */
  readonly recoveriesMs: readonly number[];
  readonly notes: readonly string[];
}

export interface FireOptions {
  readonly kills: number;
  readonly seed: number;
  /** Ticks a second. */
  readonly rate: number;
  readonly say: (line: string) => void;
}

export interface Scenario {
  readonly name: string;
  readonly description: string;
  /** Kills where none are asked for. */
  readonly kills: number;
  readonly run: (options: FireOptions) => Promise<Outcome>;
}
