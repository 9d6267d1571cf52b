import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { say } from './install.mjs';
import { envFor, workspaceRoot } from './node24.mjs';

/** Builds in silence; what Nx printed is shown only when it fails. */
export function build(node, ...nxArgs) {
  say('building…');
  const nx = join(workspaceRoot, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
  const { status, stdout, stderr } = spawnSync(node, [nx, ...nxArgs], {
    cwd: workspaceRoot,
    env: envFor(node),
    encoding: 'utf8',
    maxBuffer: Infinity,
  });
  if (status === 0) return;
  process.stderr.write(stdout + stderr);
  throw new Error('the build failed; its errors are above');
}
