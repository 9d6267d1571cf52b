import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { unavailable } from './postgres-failure.ts';

const fromServer = (code: string) => Object.assign(new pg.DatabaseError('it failed', 9, 'error'), { code });
const fromNode = (message: string, code?: string) => Object.assign(new Error(message), { code });

describe('unavailable', () => {
  it('can be tried again where the cause passes by itself', () => {
    const passing = [
      ...['08006', '25006', '25P03', '40001', '40P01', '53300', '55P03', '57014', '57P01', '57P03', '58030'].map(
        fromServer,
      ),
      fromNode('read ECONNRESET', 'ECONNRESET'),
      fromNode('getaddrinfo EAI_AGAIN db', 'EAI_AGAIN'),
      fromNode('Query read timeout'),
      fromNode('timeout exceeded when trying to connect'),
      fromNode('Connection terminated unexpectedly'),
    ];
    for (const error of passing) expect(unavailable('db:5432/k2', error)).toMatchObject({ retryable: true });
  });

  it('cannot be where a person has to change something', () => {
    const lasting = [
      ...['22001', '22021', '28P01', '28000', '3D000', '42501', '42P01', '0A000'].map(fromServer),
      fromNode('The server does not support SSL connections'),
      fromNode('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'),
      fromNode('wrong name', 'ERR_TLS_CERT_ALTNAME_INVALID'),
      fromNode('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'),
    ];
    for (const error of lasting) expect(unavailable('db:5432/k2', error)).toMatchObject({ retryable: false });
  });

  it('names the server, what happened and what to do', () => {
    expect(unavailable('db:5432/k2', fromServer('28P01'))).toMatchObject({
      kind: 'unavailable',
      message: 'PostgreSQL db:5432/k2: it failed (SQLSTATE 28P01): check the user and the password in the URL',
      context: { server: 'db:5432/k2', sqlState: '28P01' },
    });
    expect(unavailable('db:5432/k2', fromNode('', 'ECONNREFUSED')).message).toContain('ECONNREFUSED');
  });
});
