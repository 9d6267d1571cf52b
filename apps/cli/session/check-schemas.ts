/** Loaded only where it is asked for: it brings adapters along. */
export { checkRegisteredSchemas } from '@k2/composition';
