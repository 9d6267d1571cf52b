export * from './platform.ts';
export * from './settings.ts';
export * from './tokens.ts';
