import { afterAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { scenario, scratchDirectory, until } from './scenario.ts';
import { ServerUnderTest } from './server-under-test.ts';

interface Health {
  readonly status: string;
  readonly roles: Readonly<Record<string, string>>;
  readonly dependencies: readonly { readonly name: string; readonly state: string; readonly lastErrorKind: string }[];
}

const small = scratchDirectory();
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', small], { encoding: 'utf8' });

describe('a disk that is full', () => {
  if (mounted.status !== 0) {
    it('is not tried: that needs the right to mount a small file system', () => {
      process.stderr.write(`not run: a full disk (mount: ${mounted.stderr?.trim() ?? mounted.error?.message})\n`);
    });
    return;
  }
  afterAll(() => void spawnSync('umount', ['--lazy', small]));

  scenario(
    'is named in readiness and in the log, answers go on, and so does everything once there is room',
    async () => {
      const server = await ServerUnderTest.start({ data: join(small, 'lake'), feed: 'simulator:rate=3000' });
      const health = () => server.json<Health>('/health/ready');
      const rows = async () => (await server.stats()).tables.reduce((sum, { rowCount }) => sum + rowCount, 0);
      const before = await until('rows', rows, (count) => count > 0);

      const filler = join(small, 'filler');
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k']);
      const full = await until('a full disk', health, ({ status }) => status === 'degraded');
      expect(full.roles).toMatchObject({ ingest: 'does not work', sink: 'does not work', api: 'works' });
      expect(full.dependencies).toContainEqual(
        expect.objectContaining({ name: 'disk', state: 'down', lastErrorKind: 'disk-full' }),
      );
      expect((await server.get('/health/live')).status).toBe(200);
      expect((await server.get('/v1/symbols')).status).toBe(200);

      rmSync(filler);
      try {
        await until('room', health, ({ status }) => status === 'ready', 40_000);
      } catch (error) {
        // Who took the room.
        process.stderr.write(spawnSync('du', ['-a', small], { encoding: 'utf8' }).stdout);
        throw error;
      }
      await until('more rows', rows, (count) => count > before, 40_000);
      const { code, stderr } = await server.stop();
      expect(code).toBe(0);
      expect(stderr).toMatch(/"dependency is down","dependency":"disk","kind":"disk-full"/);
    },
    120_000,
  );
});
