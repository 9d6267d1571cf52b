import { expect, it } from '@jest/globals';
import { csvFields } from './csv-fields.ts';

it.each([
  ['1,ZZA,ZEBRA LTD,', ['1', 'ZZA', 'ZEBRA LTD', '']],
  ['1,"ZEBRA, ANT AND CO",x', ['1', 'ZEBRA, ANT AND CO', 'x']],
  ['"said ""hop, hop""","",3', ['said "hop, hop"', '', '3']],
  ['12" RULERS, THE,"y"', ['12" RULERS', ' THE', 'y']],
  ['1,"ZEBRA, ANT', ['1', '"ZEBRA', ' ANT']],
  ['', ['']],
])('the fields of %j', (line, fields) => {
  expect(csvFields(line)).toEqual(fields);
});
