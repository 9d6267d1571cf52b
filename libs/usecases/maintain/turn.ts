/** One at a time, in the order of asking: what the schedule does and what a caller asked for never run at once. */
export class Turn {
  private last: Promise<unknown> = Promise.resolve();

  /** Resolves and rejects as the work does, which begins once everything before it has ended, however that ended. */
  take<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.last.then(work);
    this.last = mine.catch(() => undefined);
    return mine;
  }
}
