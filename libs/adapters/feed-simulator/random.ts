/** sfc32, a 128-bit chaotic generator (Chris Doty-Humphrey, PractRand), in 32-bit integers: the same on every machine. */
export class Sfc32 {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  constructor(seed: number, stream: number) {
    this.a = stream | 0;
    this.b = seed | 0;
    this.c = Math.floor(seed / 4_294_967_296) | 0;
    for (let i = 0; i < 15; i++) this.next();
  }

  /** 32 random bits, as a signed integer. */
  next(): number {
    const result = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + result) | 0;
    return result;
  }

  /** Uniform in [0, 1), in steps of 2^-32. */
  fraction(): number {
    return (this.next() >>> 0) / 4_294_967_296;
  }
}
