import { join } from 'node:path';
import { processProvider } from '../process/provider.ts';
import type { ServiceProvider } from '../provider.ts';

/** Provides a stand-in for Redis, which is there at once; everything else is missing. */
export function pongProvider(mode: 'answer' | 'die' = 'answer'): ServiceProvider {
  return processProvider(async (name) => ({
    async install() {
      if (name !== 'redis') throw new Error(`${name} is not on this machine: install it`);
      return {
        version: '1',
        layOut: async ({ directory, ports }) => ({
          file: process.execPath,
          args: [join(import.meta.dirname, 'pong.mjs'), String(ports['redis']), join(directory, 'starts'), mode],
          directory,
        }),
      };
    },
  }));
}
