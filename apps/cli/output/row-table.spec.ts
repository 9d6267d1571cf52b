import { expect, it } from '@jest/globals';
import { TextSink } from '../testing/fake-context.ts';
import { printCell } from './cell.ts';
import { Output } from './output.ts';
import { RowTable } from './row-table.ts';

it('a long table is printed in parts that stand under each other', async () => {
  const sink = new TextSink();
  const table = new RowTable(new Output(sink));
  for (let n = 1; n <= 1_001; n++) await table.add([{ n, name: 'x' }]);
  await table.end();
  const lines = sink.text.split('\n');
  expect(lines).toHaveLength(1 + 1_001 + 1);
  expect([lines[0], lines[1], lines[500], lines[1_000]]).toEqual(['  n  name', '  1  x', '500  x', '1000  x']);
});

it('a cell cannot steer the terminal or break its line', () => {
  expect(printCell('a\u001b[2Jb\nc')).toBe('a\\x1b[2Jb\\x0ac');
  expect(printCell(['XT', 'C1'])).toBe('XT C1');
  expect(printCell({ venue: 'X' })).toBe('venue=X');
});
