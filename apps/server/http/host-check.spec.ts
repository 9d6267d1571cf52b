import { expect, it } from '@jest/globals';
import { isForbiddenHost } from './host-check.ts';

it.each([
  ['evil.example', '127.0.0.1', true],
  [undefined, '127.0.0.1', true],
  ['localhost.evil.example:7080', 'localhost', true],
  ['127.0.0.1:7080', '127.0.0.1', false],
  ['localhost', '127.0.0.1', false],
  ['[::1]:7080', '::1', false],
  ['127.0.0.2:7080', '127.0.0.2', false],
  ['k2.example', '0.0.0.0', false],
  ['k2.example', '10.0.0.7', false],
])('Host %s of a server on %s: forbidden is %s', (host, listening, forbidden) => {
  expect(isForbiddenHost(host, listening)).toBe(forbidden);
});
