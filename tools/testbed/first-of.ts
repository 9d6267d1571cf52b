import type { ServiceProvider } from './provider.ts';
import type { TestbedServiceName } from './service-names.ts';

/** Each service from the first provider where it is to be had, from the second where it is not. */
export function firstOf(first: ServiceProvider, second: ServiceProvider): ServiceProvider {
  const provider = new Map<TestbedServiceName, ServiceProvider>();
  return {
    kind: first.kind,
    async prepare(name, progress) {
      try {
        await first.prepare(name, progress);
        provider.set(name, first);
      } catch (error) {
        progress.say(`${name} as a ${second.kind}: ${(error as Error).message}`);
        await second.prepare(name, progress);
        provider.set(name, second);
      }
    },
    async create(name, site) {
      const chosen = provider.get(name);
      if (chosen === undefined) throw new Error(`${name} is created before it is prepared`);
      return chosen.create(name, site);
    },
    attach: (record) => (record.provider === first.kind ? first : second).attach(record),
  };
}
