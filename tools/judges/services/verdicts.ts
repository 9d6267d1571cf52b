/** One thing that was judged. */
export interface Verdict {
  /** Which program found it: a reader's name, `k2`, `spark`. */
  readonly judge: string;
  /** When in the life of the lake. */
  readonly stage: string;
  readonly check: string;
  readonly ok: boolean;
  /** What was found; of a failure, how it differs. */
  readonly found: string;
}

const DIFFERENCES_SHOWN = 5;

/** Prints each verdict as it falls, on one line, and keeps them all. */
export class Verdicts {
  readonly all: Verdict[] = [];
  private readonly say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.say = say;
  }

  get failures(): number {
    return this.all.filter(({ ok }) => !ok).length;
  }

  /** No differences: it is so. */
  add(
    { judge, stage, check }: Pick<Verdict, 'judge' | 'stage' | 'check'>,
    found: string,
    differences: readonly string[] = [],
  ): void {
    const ok = differences.length === 0;
    const more = differences.length - DIFFERENCES_SHOWN;
    const shown = differences.slice(0, DIFFERENCES_SHOWN).join('; ');
    const text = ok ? found : `${shown}${more > 0 ? `; and ${more} more` : ''}`;
    this.all.push({ judge, stage, check, ok, found: text });
    this.say(`${ok ? 'ok   ' : 'WRONG'} ${judge.padEnd(9)} ${stage.padEnd(24)} ${check}: ${text}`);
  }
}
