import 'reflect-metadata';

export * from './holder.ts';
export * from './create-feed.ts';
export * from './adapter-choice.ts';
export * from './check-schemas.ts';
export { Closing, stopAndClose, within } from './closing.ts';
export type { ComponentHealth } from './components.ts';
export { Dependencies, type DependencyHealth } from './dependencies.ts';
export { platformHealth, type PlatformHealth } from './platform-health.ts';
export { dataPaths } from './data-paths.ts';
export { loadAdapter } from './load-package.ts';
export * from './open-platform.ts';
export * from './platform.ts';
export type { LoadReport } from '@k2/usecases';
export * from './settings.ts';
export * from './tokens.ts';
