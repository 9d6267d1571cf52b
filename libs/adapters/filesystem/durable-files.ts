import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Directories known to be on disk; beyond this many the set starts anew, which costs flushes and nothing else. */
const DIRECTORIES_MAX = 10_000;

/** Directories that survive power loss: each new one is flushed into its parent, once per process. */
export class DurableDirectories {
  private readonly root: string;
  private ensured = new Map<string, Promise<void>>();

  constructor(root: string) {
    this.root = root;
  }

  async ensure(directory: string): Promise<void> {
    if (this.ensured.size >= DIRECTORIES_MAX) this.ensured = new Map();
    let ensuring = this.ensured.get(directory);
    if (ensuring === undefined) {
      ensuring = this.create(directory);
      this.ensured.set(directory, ensuring);
      ensuring.catch(() => this.ensured.delete(directory));
    }
    await ensuring;
  }

  /** To be called when a directory is missing that should be there. */
  forget(): void {
    this.ensured = new Map();
  }

  private async create(directory: string): Promise<void> {
    if (directory === this.root) {
      await mkdir(directory, { recursive: true });
    } else {
      await this.ensure(dirname(directory));
      await mkdir(directory).catch(unlessCode('EEXIST'));
    }
    await syncDirectory(dirname(directory));
  }
}

export async function syncDirectory(directory: string): Promise<void> {
  // Windows cannot open a directory for flushing; NTFS journals its entries.
  if (process.platform === 'win32') return;
  await withFile(directory, 'r', (file) => file.sync());
}

export async function withFile<Result>(
  path: string,
  flags: string,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  const file = await open(path, flags);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

/** For `.catch`: passes over errors of these codes. */
export function unlessCode(...codes: readonly string[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes(codeOf(error))) throw error;
  };
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
