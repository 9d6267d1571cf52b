import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

/** A fault of one expression, planted in the source as it is loaded; the file itself is not touched. */
export interface Mutant {
  readonly name: string;
  /** From the workspace's root. */
  readonly file: string;
  readonly original: string;
  readonly mutated: string;
}

const root = join(import.meta.dirname, '../..');

/** What is wrong with the mutant itself: its file says something else today; null where it can be planted. */
export function rot({ file, original }: Mutant): string | null {
  const count = readFileSync(join(root, file), 'utf8').split(original).length - 1;
  return count === 1 ? null : `${file} has ${count} times: ${original}`;
}

/** To be called before the file is loaded, in the thread that loads it. */
export function plant(mutant: Mutant): void {
  const wrong = rot(mutant);
  if (wrong !== null) throw new Error(`the mutant ${mutant.name} cannot be planted: ${wrong}`);
  const planted = pathToFileURL(join(root, mutant.file)).href;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== planted) return loaded;
      const source = String(loaded.source).replace(mutant.original, () => mutant.mutated);
      return { ...loaded, source };
    },
  });
}
