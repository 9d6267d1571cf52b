import type { Question, Reading } from '../facts.ts';

/** Something that reads a K2 lake by itself. */
export interface Reader {
  readonly name: string;
  read(questions: readonly Question[]): Promise<readonly Reading[]>;
}

/** One after the other: the machine is small, and an error names its question. */
export async function readEach(
  questions: readonly Question[],
  read: (question: Question) => Promise<Reading>,
): Promise<readonly Reading[]> {
  const readings: Reading[] = [];
  for (const question of questions) readings.push(await read(question));
  return readings;
}
