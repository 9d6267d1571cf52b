import { randomUUID } from 'node:crypto';
import { schemaRegistryContract } from '@k2/testing/contracts';
import { service } from '@k2/testing/services';
import { HttpSchemaRegistry } from './http-schema-registry.ts';
import { systemPorts } from './test-support/system-ports.ts';

const open = () => new HttpSchemaRegistry({ url: service('schemaRegistry').url, ...systemPorts });

schemaRegistryContract('Confluent API of a real server', {
  create: async () => {
    const opened = [open()];
    return {
      registry: opened[0],
      another: async () => {
        const registry = open();
        opened.push(registry);
        return registry;
      },
      newSubject: () => `contract.${randomUUID()}-value`,
      close: async () => {
        for (const registry of opened) await registry.close();
      },
    };
  },
});
