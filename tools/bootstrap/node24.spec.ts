import { expect, it } from '@jest/globals';
import { isAtLeast } from './node24.mjs';

it.each([
  ['24.21.0', true],
  ['24.21.3', true],
  ['24.100.0', true],
  ['24.20.9', false],
  ['20.20.2', false],
  ['26.0.0', false],
])('K2 tried with Node 24.21.0 runs on a Node %s that is there already: %s', (running, expected) => {
  expect(isAtLeast(running, '24.21.0')).toBe(expected);
});
