import { readFileSync } from 'node:fs';

/** npm, a launcher, the shell and the terminal may each deliver the same Ctrl-C. */
const ECHO_US = 1_000_000;

/** Requests of the system to stop, from when this is made: without a listener the first process of a container hears none. */
export class StopRequests {
  /** The first. */
  readonly asked: Promise<null>;
  /** Another, more than a second after the one before: somebody is impatient. */
  readonly askedAgain: Promise<null>;

  constructor() {
    const first = Promise.withResolvers<null>();
    const second = Promise.withResolvers<null>();
    this.asked = first.promise;
    this.askedAgain = second.promise;
    let lastUs = -Infinity;
    let isAsked = false;
    const ask = () => {
      const nowUs = Number(process.hrtime.bigint() / 1_000n);
      const isEcho = nowUs - lastUs <= ECHO_US;
      lastUs = nowUs;
      if (isAsked && !isEcho) second.resolve(null);
      isAsked = true;
      first.resolve(null);
    };
    process.on('SIGINT', ask);
    process.on('SIGTERM', ask);
    if (!isHangupIgnored()) process.on('SIGHUP', ask);
  }
}

/** As `nohup` has it: a listener of ours would undo that. */
function isHangupIgnored(): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
    return (BigInt(`0x${ignored}`) & 1n) === 1n;
  } catch {
    // Only Linux says so.
    return false;
  }
}
