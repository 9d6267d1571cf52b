import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { connectionConfig, serverName } from './connection-config.ts';
import { POSTGRES_TABLE_CATALOG_DEFAULTS } from './postgres-options.ts';

const config = (url: string, tls?: Parameters<typeof connectionConfig>[0]['tls']) =>
  connectionConfig({ url, ...(tls === undefined ? {} : { tls }) }, POSTGRES_TABLE_CATALOG_DEFAULTS);

describe('connectionConfig', () => {
  it('reads server, user and session options from the URL', () => {
    expect(config('postgres://k2:p%40ss@db.example:6432/lake?options=-c%20search_path%3Dmarket')).toMatchObject({
      host: 'db.example',
      port: 6432,
      database: 'lake',
      user: 'k2',
      password: 'p@ss',
      options: '-c search_path=market',
      application_name: 'k2',
    });
    expect(config('postgres://h/lake?application_name=sink-1').application_name).toBe('sink-1');
  });

  it('gives sslmode the meaning that it has for libpq', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'k2-tls-'));
    const ca = join(directory, 'ca.pem');
    await writeFile(ca, 'a certificate');
    const sslOf = (parameters: string) => config(`postgres://h/lake${parameters}`).ssl;
    expect(sslOf('')).toBeUndefined();
    expect(sslOf('?sslmode=disable')).toBe(false);
    expect(sslOf('?sslmode=require')).toEqual({ rejectUnauthorized: false });
    expect(sslOf('?sslmode=verify-full')).toEqual({});
    expect(sslOf(`?sslmode=verify-full&sslrootcert=${ca}`)).toEqual({ ca: 'a certificate' });
    expect(sslOf(`?sslmode=verify-ca&sslrootcert=${ca}`)).toEqual({
      ca: 'a certificate',
      checkServerIdentity: expect.any(Function),
    });
    await rm(directory, { recursive: true });
  });

  it('takes TLS by option instead of by URL', () => {
    expect(config('postgres://h/lake?sslmode=disable', { ca: 'mine' }).ssl).toEqual({ ca: 'mine' });
    expect(config('postgres://h/lake?sslmode=require', false).ssl).toBe(false);
  });

  it('lets no parameter of the URL change how the pool behaves', () => {
    const parameters = 'max=500&query_timeout=1&idleTimeoutMillis=0&connectionTimeoutMillis=0&log=x&stream=x&types=x';
    expect(config(`postgres://h/lake?${parameters}`)).toEqual(config('postgres://h/lake'));
  });

  it('names the server without its secrets, and a wrong URL not at all', () => {
    expect(serverName(config('postgres://k2:secret@db:6432/lake'))).toBe('db:6432/lake');
    expect(serverName(config('postgres://k2:secret@db'))).toBe('db:5432/k2');
    for (const url of ['postgres://k2:secret@db:port/lake', 'postgres://k2:secret@db/l?sslmode=verify-ca']) {
      const read = () => config(url);
      expect(read).toThrow(expect.objectContaining({ kind: 'unavailable', retryable: false }));
      expect(read).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
    }
  });
});
