import { ContainerModule } from 'inversify';
import { SystemClock, SystemRandom, SystemScheduler } from '@k2/adapter-system';
import { TOKENS } from '../tokens.ts';

export const systemModule = new ContainerModule(({ bind }) => {
  bind(TOKENS.clock).toResolvedValue(() => new SystemClock());
  bind(TOKENS.random).toResolvedValue((clock) => new SystemRandom(clock), [TOKENS.clock]);
  bind(TOKENS.scheduler).toResolvedValue(() => new SystemScheduler());
});
