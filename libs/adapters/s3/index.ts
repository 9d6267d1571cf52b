export { LocalFileCache, type FetchedFile, type FetchFile, type LocalFileCacheConfig } from './local-file-cache.ts';
export { S3_OBJECT_STORE_DEFAULTS, type S3Credentials, type S3ObjectStoreConfig } from './s3-config.ts';
export { S3ObjectStore, type S3ObjectStorePorts } from './s3-object-store.ts';
