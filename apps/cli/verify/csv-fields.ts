/**
 * The fields of one line. Within double quotes a comma is text, and two quotes are one (RFC 4180); a quote that is not
 * at the start of a field, or that none follows, is text too.
 */
export function csvFields(line: string): readonly string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const close = line[at] === '"' ? closingQuote(line, at) : -1;
    const comma = line.indexOf(',', close === -1 ? at : close);
    const end = comma === -1 ? line.length : comma;
    fields.push(
      close === -1
        ? line.slice(at, end)
        : line
            .slice(at + 1, close)
            .split('""')
            .join('"'),
    );
    if (comma === -1) return fields;
    at = comma + 1;
  }
}

/** Where the quote that opens at `open` is closed; -1 where it is not. */
function closingQuote(line: string, open: number): number {
  let at = line.indexOf('"', open + 1);
  while (at !== -1 && line[at + 1] === '"') at = line.indexOf('"', at + 2);
  return at;
}
