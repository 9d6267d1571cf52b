import { createReadStream } from 'node:fs';

/** One line of a file, numbered from 1. */
export interface CsvLine {
  readonly number: number;
  readonly text: string;
}

/** The lines of a file that are not blank, without their line ends. */
export async function* csvLines(path: string): AsyncGenerator<CsvLine> {
  let rest = '';
  let number = 0;
  for await (const chunk of createReadStream(path, { encoding: 'utf8' }) as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const text of lines) {
      number++;
      if (withoutReturn(text) !== '') yield { number, text: withoutReturn(text) };
    }
  }
  if (withoutReturn(rest) !== '') yield { number: number + 1, text: withoutReturn(rest) };
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
