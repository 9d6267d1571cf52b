import { processProvider } from './process/provider.ts';
import type { ServiceProvider } from './provider.ts';

/** The provider of what starts anew. */
export function chooseProvider(): Promise<ServiceProvider> {
  return providerOf('process');
}

/** The provider of what runs already. */
export async function providerOf(kind: ServiceProvider['kind']): Promise<ServiceProvider> {
  if (kind === 'process') return processProvider();
  throw new Error(`this testbed has no provider "${kind}"`);
}
