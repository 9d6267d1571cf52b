/** What happened, step by step: its hash tells whether two runs were the same, its lines what there was to see. */
export class Trace {
  readonly lines: string[] | null;
  private readonly nowMs: () => number;
  private high = 0x811c9dc5;
  private low = 0x01000193;
  private count = 0;

  constructor(nowMs: () => number, keepsLines: boolean) {
    this.nowMs = nowMs;
    this.lines = keepsLines ? [] : null;
  }

  step(who: string, what: string): void {
    const line = `${this.nowMs()} ${who} ${what}`;
    this.count++;
    for (let at = 0; at < line.length; at++) {
      const code = line.charCodeAt(at);
      this.high = Math.imul(this.high ^ code, 0x01000193);
      this.low = Math.imul(this.low + code, 0x85ebca6b) ^ (this.low >>> 13);
    }
    this.lines?.push(line);
  }

  get steps(): number {
    return this.count;
  }

  get hash(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0');
    return hex(this.high) + hex(this.low);
  }
}
