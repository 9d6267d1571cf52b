import { describe, expect, it } from '@jest/globals';
import { isForbiddenHost, requestedHost } from './host-check.ts';

describe('the host that a request is addressed to', () => {
  it.each([
    ['/v1/stats', 'LocalHost:7080', 'localhost'],
    ['/v1/stats', '[::1]:7080', '[::1]'],
    ['/v1/stats', 'localhost:', 'localhost'],
    ['http://evil.example/v1/stats', 'localhost', 'evil.example'],
    ['http://localhost@evil.example:80?x', 'localhost', 'localhost@evil.example'],
    ['/v1/stats', undefined, null],
  ])('of %s with Host %s is %s', (url, header, host) => expect(requestedHost(url, header)).toBe(host));
});

describe('a host is forbidden', () => {
  it.each([
    ['evil.example', '127.0.0.1', [], true],
    ['localhost.evil.example', 'localhost', [], true],
    ['10.0.0.7', '127.0.0.1', [], true],
    [null, '127.0.0.1', [], false],
    ['127.0.0.1', '127.0.0.1', [], false],
    ['localhost', '127.0.0.1', [], false],
    ['[::1]', '::1', [], false],
    ['127.0.0.2', '127.0.0.2', [], false],
    ['k2.example', '127.0.0.1', ['k2.example'], false],
    ['k2.example', '0.0.0.0', [], false],
    ['k2.example', '10.0.0.7', [], false],
    ['evil.example', '0.0.0.0', ['k2.example'], true],
    ['k2.example', '0.0.0.0', ['k2.example'], false],
    ['localhost', '0.0.0.0', ['k2.example'], false],
    ['10.0.0.7', '0.0.0.0', ['k2.example'], false],
    ['[fd00::7]', '::', ['k2.example'], false],
    ['10.0.0.7.evil.example', '0.0.0.0', ['k2.example'], true],
  ])('%s of a server on %s that was told of %j: %s', (requested, host, allowedHosts, forbidden) =>
    expect(isForbiddenHost(requested, { host, allowedHosts })).toBe(forbidden),
  );
});
