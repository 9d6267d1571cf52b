export { FilesystemObjectStore } from './filesystem-object-store.ts';
