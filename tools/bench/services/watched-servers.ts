import type { World } from '../../world/world.ts';
import type { Watched } from './cpu.ts';

/** The servers' processes, as far as they run where this machine can see them. */
export async function servers({ bed }: World): Promise<readonly Watched[]> {
  const found = await Promise.all(
    bed.services.map(async (service) => {
      const { pid } = await service.condition();
      return pid === null ? [] : [{ name: service.name, pid }];
    }),
  );
  return found.flat();
}
