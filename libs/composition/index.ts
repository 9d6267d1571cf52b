import 'reflect-metadata';

export * from './holder.ts';
export * from './create-feed.ts';
export { dataPaths } from './modules.ts';
export * from './open-platform.ts';
export * from './platform.ts';
export * from './settings.ts';
export * from './tokens.ts';
