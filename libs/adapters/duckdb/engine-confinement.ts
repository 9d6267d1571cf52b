import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How an engine process is kept from writing what its user may not write, root's processes too. */
export interface Confinement {
  /** Comes before the command that starts the process. */
  readonly prefix: readonly string[];
  /** Why files that are read-only are not safe from the process; null if they are. */
  readonly weakness: string | null;
}

/**
 * Root writes read-only files by its capabilities; without them it is an ordinary owner. Reading whatever root can read
 * is left to it: the data directory may be another user's. Found out once; see ADR 35.
 */
export function engineConfinement(): Promise<Confinement> {
  found ??= find();
  return found;
}

let found: Promise<Confinement> | undefined;

const SETPRIV = ['setpriv', '--no-new-privs', '--bounding-set=-all,+dac_read_search', '--inh-caps=-all'];
/** https://man7.org/linux/man-pages/man7/capabilities.7.html: CAP_DAC_READ_SEARCH is bit 2. */
const READ_SEARCH = 4n;

async function find(): Promise<Confinement> {
  const isRoot = process.getuid?.() === 0;
  const capabilities = process.platform === 'linux' ? await effectiveCapabilities() : isRoot ? null : 0n;
  if (capabilities !== null && (capabilities & ~READ_SEARCH) === 0n) return { prefix: [], weakness: null };
  try {
    await run(SETPRIV[0], [...SETPRIV.slice(1), 'true'], { timeout: 10_000 });
    return { prefix: SETPRIV, weakness: null };
  } catch (error) {
    const why = error instanceof Error ? error.message.trim() : String(error);
    return {
      prefix: [],
      weakness: `engine processes keep root's capabilities, so that nothing but DuckDB's own settings keeps user SQL from writing files: run K2 as an ordinary user, or install setpriv of util-linux (${why})`,
    };
  }
}

/** Null if the system does not tell. */
async function effectiveCapabilities(): Promise<bigint | null> {
  try {
    const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1];
    return digits === undefined ? null : BigInt(`0x${digits}`);
  } catch {
    return null;
  }
}
