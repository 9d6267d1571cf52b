import type { PlatformHealth } from '@k2/composition';
import { printTimeUs } from '@k2/domain/market';

/** What `/health/ready` says: kinds of errors, never their messages, which name addresses. */
export function healthJson({ status, roles, components, dependencies, paused }: PlatformHealth): object {
  return {
    status,
    roles: Object.fromEntries(roles.map(({ role, works }) => [role, works ? 'works' : 'does not work'])),
    components: components.map(({ sinceUs, ...component }) => ({ ...component, since: printTimeUs(sinceUs) })),
    dependencies: dependencies.map(({ sinceUs, ...dependency }) => ({ ...dependency, since: printTimeUs(sinceUs) })),
    pausedPartitions: paused.map(({ topic, partition, sinceUs, kind }) => ({
      topic,
      partition,
      since: printTimeUs(sinceUs),
      errorKind: kind,
    })),
  };
}
