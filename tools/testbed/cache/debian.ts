import { programIn } from '../process/find-program.ts';
import { runTool } from '../process/run-tool.ts';
import type { Progress } from '../progress.ts';

export interface DebianPackage<Found> {
  /** "Redis (redis-server)". */
  readonly what: string;
  readonly packages: readonly string[];
  /** How to get it where there is no Debian: "install it (brew install redis)". */
  readonly elsewhere: string;
  find(): Found | undefined;
  readonly progress: Progress;
}

/** Something of the system's own: found, installed where we may do that, or asked for. */
export async function debianPackage<Found>(wanted: DebianPackage<Found>): Promise<Found> {
  const found = wanted.find();
  if (found !== undefined) return found;
  const apt = programIn('apt-get');
  const command = `apt-get install ${wanted.packages.join(' ')}`;
  if (apt === undefined) throw new Error(`${wanted.what} is not on this machine: ${wanted.elsewhere}, or use Docker`);
  if (process.getuid?.() !== 0) throw new Error(`${wanted.what} is not on this machine: run "sudo ${command}"`);

  wanted.progress.say(`${wanted.what}: ${command}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    runTool(command, apt, ['install', '-y', '--no-install-recommends', ...wanted.packages], { env });
  try {
    await install();
  } catch {
    // Its lists may be missing, or too old for what the servers have.
    await runTool('apt-get update', apt, ['update'], { env });
    await install();
  }
  const installed = wanted.find();
  if (installed === undefined) throw new Error(`${wanted.what} is not found after "${command}"`);
  return installed;
}
