import { expect, it } from '@jest/globals';
import { chooseProvider } from './choose-provider.ts';
import { firstOf } from './first-of.ts';
import { noProgress } from './progress.ts';
import type { ProvidedService, ServiceProvider, Site } from './provider.ts';

const site = {} as Site;

function provider(kind: ServiceProvider['kind'], has: readonly string[]): ServiceProvider {
  return {
    kind,
    async prepare(name) {
      if (!has.includes(name)) throw new Error(`${name} is not to be had as ${kind}`);
    },
    create: async (name) => ({ name, version: kind }) as ProvidedService,
    attach: ({ name }) => ({ name, version: kind }) as ProvidedService,
  };
}

it('a service whose image is not to be had runs as a process, the others as containers', async () => {
  const both = firstOf(provider('docker', ['redis']), provider('process', ['redis', 'trino']));
  await both.prepare('redis', noProgress);
  await both.prepare('trino', noProgress);
  expect((await both.create('redis', site)).version).toBe('docker');
  expect((await both.create('trino', site)).version).toBe('process');
});

it('a service that no provider has fails with what to do about it', async () => {
  const both = firstOf(provider('docker', []), provider('process', []));
  await expect(both.prepare('spark', noProgress)).rejects.toThrow('spark is not to be had as process');
});

it('the provider that is asked for is the one, and a name that is none is refused', async () => {
  expect((await chooseProvider('process')).kind).toBe('process');
  await expect(chooseProvider('podman')).rejects.toThrow('K2_TESTBED_PROVIDER is "docker" or "process", not "podman"');
});
