import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const workspaceRoot = join(import.meta.dirname, '../..');

/** A directory of its own for this process, removed at its end. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(process.env['K2_BENCH_DIR'] ?? tmpdir(), 'k2-bench-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Real ASX ticks of March 2014 beside the checkout, where there are any. */
export function asxDirectory(): string | null {
  const directory = process.env['K2_ASX_DIR'] ?? join(workspaceRoot, '../shared/data/asx-2014-03');
  return existsSync(directory) ? directory : null;
}

export const serverMain = join(workspaceRoot, 'apps/server/dist/main.js');
