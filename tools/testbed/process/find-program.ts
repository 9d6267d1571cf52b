import { accessSync, constants, globSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The program's absolute path: from PATH, then from the directories that the patterns name, the last one first. */
export function programIn(name: string, ...directoryPatterns: readonly string[]): string | undefined {
  const found = directoryPatterns.flatMap((pattern) => globSync(pattern).sort(byNumbers).reverse());
  const directories = [...(process.env['PATH'] ?? '').split(delimiter).filter((entry) => entry !== ''), ...found];
  return directories.map((directory) => join(directory, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Ten after nine. */
function byNumbers(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}
