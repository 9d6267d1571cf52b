import { ProblemError } from './problem.ts';

export interface HeldLimits {
  readonly countMax: number;
  readonly bytesMax: number;
}

/** Whole answers that wait to be read by their callers: at most so many, of so many bytes together. */
export class HeldBytes {
  private readonly what: string;
  private readonly limits: HeldLimits;
  private readonly held = new Set<HeldAnswer>();

  /** `what` as in "too many … wait to be read". */
  constructor(what: string, limits: HeldLimits) {
    this.what = what;
    this.limits = limits;
  }

  /** Throws `overloaded` when there are too many, or too many bytes, already. */
  hold(bytes: number): HeldAnswer {
    if (this.held.size >= this.limits.countMax) throw this.overloaded();
    this.assertRoom(bytes);
    const answer: HeldAnswer = {
      bytes,
      resize: (to) => {
        this.assertRoom(to - answer.bytes);
        answer.bytes = to;
      },
      release: () => void this.held.delete(answer),
    };
    this.held.add(answer);
    return answer;
  }

  private assertRoom(more: number): void {
    let bytes = more;
    for (const one of this.held) bytes += one.bytes;
    if (more > 0 && bytes > this.limits.bytesMax) throw this.overloaded();
  }

  private overloaded(): ProblemError {
    return new ProblemError('overloaded', `too many ${this.what} wait to be read by their callers: try again later`);
  }
}

export interface HeldAnswer {
  bytes: number;
  /** Throws `overloaded` when there is no room for more. */
  resize(bytes: number): void;
  release(): void;
}
