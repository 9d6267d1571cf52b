export { HttpSchemaRegistry, type HttpSchemaRegistryOptions } from './http-schema-registry.ts';
export type { RegistryAuth } from './registry-connection.ts';
