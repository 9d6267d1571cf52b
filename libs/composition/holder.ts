/** For programs that ask who serves a data directory before they load what opens one. */
export { readHolder, type DirectoryHolder } from '@k2/adapter-sqlite/data-directory-lock';
