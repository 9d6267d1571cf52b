import 'reflect-metadata';

export { readHolder, type DirectoryHolder } from '@k2/adapter-sqlite';
export * from './create-feed.ts';
export { dataPaths } from './modules.ts';
export * from './open-platform.ts';
export * from './platform.ts';
export * from './settings.ts';
export * from './tokens.ts';
