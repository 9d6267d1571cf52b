import type { ServiceProvider } from './provider.ts';

export const PROVIDER_ENV = 'K2_TESTBED_PROVIDER';

/**
 * The provider of what starts anew: the one that K2_TESTBED_PROVIDER names. Where it names none, containers where a
 * Docker daemon answers, but processes for a service whose image is not to be had; processes where none answers.
 */
export async function chooseProvider(asked = process.env[PROVIDER_ENV] ?? ''): Promise<ServiceProvider> {
  if (asked === 'docker' || asked === 'process') return providerOf(asked);
  if (asked !== '') throw new Error(`${PROVIDER_ENV} is "docker" or "process", not "${asked}"`);
  const docker = await providerOf('docker').catch(() => null);
  const processes = await providerOf('process').catch((error: Error) => error);
  if (docker === null) {
    if (processes instanceof Error) throw processes;
    return processes;
  }
  if (processes instanceof Error) return docker;
  const { firstOf } = await import('./first-of.ts');
  return firstOf(docker, processes);
}

/** The provider of what runs already. Read only when it is wanted. */
export async function providerOf(kind: ServiceProvider['kind']): Promise<ServiceProvider> {
  switch (kind) {
    case 'process':
      return (await import('./process/provider.ts')).processProvider();
    case 'docker':
      return (await import('./docker/provider.ts')).dockerProvider();
  }
}
