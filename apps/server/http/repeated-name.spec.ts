import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { repeatedName } from './repeated-name.ts';

/** JSON as it was written: objects are lists of members, which may repeat a name. */
type Written =
  | { readonly kind: 'value'; readonly json: string }
  | { readonly kind: 'array'; readonly items: readonly Written[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [name: string, isEscaped: boolean, Written])[] };

/** Few, so that they meet: among them the marks of JSON itself, and one that is no character alone. */
const name = fc.constantFrom('a', 'b', '', 'a"', '\\', '{"a":1,', '[', ',', ':', '\ud800', '😀');

const { written } = fc.letrec<{ written: Written }>((tie) => ({
  written: fc.oneof(
    { maxDepth: 4 },
    fc
      .oneof(fc.jsonValue({ maxDepth: 0 }), name)
      .map((value) => ({ kind: 'value' as const, json: JSON.stringify(value) })),
    fc.array(tie('written'), { maxLength: 4 }).map((items) => ({ kind: 'array' as const, items })),
    fc
      .array(fc.tuple(name, fc.boolean(), tie('written')), { maxLength: 4 })
      .map((members) => ({ kind: 'object' as const, members })),
  ),
}));

function json(one: Written): string {
  if (one.kind === 'value') return one.json;
  if (one.kind === 'array') return `[ ${one.items.map(json).join(' ,\n')} ]`;
  return `{ ${one.members.map(([key, isEscaped, value]) => `${isEscaped ? escaped(key) : JSON.stringify(key)} : ${json(value)}`).join('\t, ')} }`;
}

/** Every unit as `\u0061`. */
function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at).toString(16).padStart(4, '0'));
  return `"${units.map((unit) => `\\u${unit}`).join('')}"`;
}

function repeatedNames(one: Written): readonly string[] {
  if (one.kind === 'value') return [];
  if (one.kind === 'array') return one.items.flatMap(repeatedNames);
  const names = one.members.map(([key]) => key);
  return [
    ...names.filter((key, at) => names.indexOf(key) < at),
    ...one.members.flatMap(([, , value]) => repeatedNames(value)),
  ];
}

describe('a name that an object has twice', () => {
  it.each([
    ['{"sql":"SELECT 1","sql":"SELECT 2"}', 'sql'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['[{"b":{"x":[1,{"y":1,"z":2,"y":3}]}}]', 'y'],
    ['{"":1,"":2}', ''],
    ['{"a":"a","b":["a","a"],"c":{"a":1}}', null],
    ['{"a\\"":1,"a":2}', null],
    ['[{"a":1},{"a":1}]', null],
    ['"a"', null],
    ['12', null],
  ])('of %s is %j', (text, expected) => {
    expect(repeatedName(text)).toBe(expected);
  });

  it('is found in any JSON that has one, and in no other', () => {
    fc.assert(
      fc.property(written, (one) => {
        const text = json(one);
        JSON.parse(text);
        const repeated = repeatedNames(one);
        const found = repeatedName(text);
        if (repeated.length === 0) expect(found).toBeNull();
        else expect(repeated).toContain(found);
      }),
    );
  });
});
