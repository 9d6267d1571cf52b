import { foldName } from './statement-tree.ts';

/**
 * Names of columns, each told from every other as SQL tells them: whatever their case. The first keeps its name, and so
 * does one that is written once; another of the same name gets `_1`, `_2` …, the first that is free.
 */
export function distinctNames(names: readonly string[]): readonly string[] {
  const written = new Set(names.map(foldName));
  const given = new Set<string>();
  const nextOf = new Map<string, number>();
  return names.map((name) => {
    const folded = foldName(name);
    let distinct = name;
    for (let n = nextOf.get(folded) ?? 0; ; n++) {
      if (n > 0) distinct = `${name}_${n}`;
      const key = foldName(distinct);
      if (given.has(key) || (n > 0 && written.has(key))) continue;
      given.add(key);
      nextOf.set(folded, n + 1);
      return distinct;
    }
  });
}
