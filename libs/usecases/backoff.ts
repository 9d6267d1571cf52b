import type { Random } from '@k2/ports';

export interface BackoffLimits {
  readonly retryDelayMs: number;
  readonly retryDelayMsMax: number;
}

/**
 * Waits between attempts: each is up to twice the one before, up to the maximum. A random part of each, at most half, is
 * left out, so that those who failed together do not come back together.
 */
export class Backoff {
  private readonly random: Pick<Random, 'next'>;
  private readonly limits: BackoffLimits;
  private nextMs: number;

  constructor(random: Pick<Random, 'next'>, limits: BackoffLimits) {
    this.random = random;
    this.limits = limits;
    this.nextMs = limits.retryDelayMs;
  }

  /** How long to wait before the next attempt, whole ms. */
  delayMs(): number {
    const delayMs = this.nextMs;
    this.nextMs = Math.min(delayMs * 2, this.limits.retryDelayMsMax);
    return Math.ceil(delayMs * (1 - this.random.next() / 2));
  }

  /** An attempt succeeded. */
  reset(): void {
    this.nextMs = this.limits.retryDelayMs;
  }
}
