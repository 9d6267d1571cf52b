import { createReadStream } from 'node:fs';

/** One line of a file, numbered from 1; `text` has one character a byte, whatever the encoding. */
export interface CsvLine {
  readonly number: number;
  readonly text: string;
}

/** The lines of a file that are not blank, without their line ends. */
export async function* csvLines(path: string): AsyncGenerator<CsvLine> {
  let rest = '';
  let number = 0;
  for await (const chunk of createReadStream(path, { encoding: 'latin1' }) as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const text of lines) {
      number++;
      const row = bare(text, number);
      if (row !== '') yield { number, text: row };
    }
  }
  const last = bare(rest, number + 1);
  if (last !== '') yield { number: number + 1, text: last };
}

const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf';

function bare(text: string, number: number): string {
  const line = text.endsWith('\r') ? text.slice(0, -1) : text;
  return number === 1 && line.startsWith(BYTE_ORDER_MARK) ? line.slice(BYTE_ORDER_MARK.length) : line;
}
