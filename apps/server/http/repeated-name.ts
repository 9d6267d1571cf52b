/**
 * A name that an object of this JSON has twice, whatever escapes it is written with; null if there is none. Of two values
 * JSON.parse takes the last, another reader the first: what was meant is not known. The text has to be valid JSON.
 */
export function repeatedName(json: string): string | null {
  /** Names so far of the objects that are open; null in place of an array. */
  const open: (Set<string> | null)[] = [];
  let isName = false;
  for (let at = 0; at < json.length; at++) {
    const unit = json[at];
    if (unit === '{') open.push(new Set());
    else if (unit === '[') open.push(null);
    else if (unit === '}' || unit === ']') open.pop();
    else if (unit === '"') {
      const end = textEnd(json, at);
      const names = isName ? open[open.length - 1] : null;
      if (names !== null) {
        const name = JSON.parse(json.slice(at, end)) as string;
        if (names.has(name)) return name;
        names.add(name);
      }
      at = end - 1;
    }
    if (unit === '{') isName = true;
    else if (unit === ',') isName = open[open.length - 1] !== null;
    else if (unit === ':' || unit === '[') isName = false;
  }
  return null;
}

/** Where the text that begins at `start` is over. */
function textEnd(json: string, start: number): number {
  let at = start + 1;
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at + 1;
}
