import { isObjectKey } from '@k2/ports';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3ObjectStoreConfig {
  /** URL of an S3 server; without it AWS, in `region`. */
  readonly endpoint?: string;
  readonly region: string;
  readonly bucket: string;
  /** Folder of the store in the bucket, written like a key; empty: the whole bucket. */
  readonly prefix: string;
  /** Without them the SDK's default chain: environment, shared files, web identity, container, instance. */
  readonly credentials?: S3Credentials;
  /** The bucket in the path (`endpoint/bucket/key`) and not in the host name; by default where there is an endpoint. */
  readonly forcePathStyle?: boolean;

  /** For local copies, see `LocalFileCache`. One process, one directory. */
  readonly cacheDirectory: string;
  /** Local copies kept beyond their use; at the bound the least recently used go. */
  readonly cacheBytesMax: number;
  readonly cacheFilesMax: number;
  /** Keep files that this process has put, too: readers of fresh data then fetch nothing. */
  readonly cacheWrites: boolean;

  /** Requests and connections at a time; further ones wait. */
  readonly requestsMax: number;
  /** Requests waiting; one more is refused as `unavailable`, retryable. */
  readonly requestsWaitingMax: number;
  /** Bytes of files held in memory on their way up; further parts wait on disk. */
  readonly uploadBytesMax: number;
  /** Files of this size and more go up in parts. */
  readonly multipartBytesMin: number;
  /** At least S3's 5 MiB. Of a file with more than 10,000 such parts the parts are larger. */
  readonly partBytes: number;

  readonly connectTimeoutMs: number;
  /** Without a byte in either direction for so long, an attempt has failed. */
  readonly idleTimeoutMs: number;
  /** Attempts of one request, the first included. */
  readonly attemptsMax: number;
}

export type S3RequiredConfig = Pick<S3ObjectStoreConfig, 'region' | 'bucket' | 'prefix' | 'cacheDirectory'>;

export const S3_OBJECT_STORE_DEFAULTS = {
  cacheBytesMax: 10 * 2 ** 30,
  cacheFilesMax: 100_000,
  cacheWrites: false,
  requestsMax: 32,
  requestsWaitingMax: 10_000,
  uploadBytesMax: 64 * 2 ** 20,
  multipartBytesMin: 16 * 2 ** 20,
  partBytes: 8 * 2 ** 20,
  connectTimeoutMs: 3_000,
  idleTimeoutMs: 10_000,
  attemptsMax: 3,
} as const satisfies Partial<S3ObjectStoreConfig>;

/** S3's own bounds. */
const PART_BYTES_MIN = 5 * 2 ** 20;
const SINGLE_PUT_BYTES_MAX = 5 * 2 ** 30;
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/;

/** With the defaults filled in. Throws RangeError with the name of the value that cannot be. */
export function resolvedConfig(config: S3RequiredConfig & Partial<S3ObjectStoreConfig>): S3ObjectStoreConfig {
  const resolved = { ...S3_OBJECT_STORE_DEFAULTS, ...config };
  const { bucket, prefix, endpoint, region } = resolved;
  expect(BUCKET.test(bucket), 'bucket', bucket, 'the name of a bucket, without its URL');
  expect(
    prefix === '' || isObjectKey(prefix),
    'prefix',
    prefix,
    'a folder like lake/prod, without slashes around it, or nothing',
  );
  expect(endpoint === undefined || isHttpUrl(endpoint), 'endpoint', endpoint, 'an http:// or https:// URL');
  expect(region !== '', 'region', region, "the bucket's region; us-east-1 for most other servers");
  for (const name of COUNTS) {
    expect(Number.isSafeInteger(resolved[name]) && resolved[name] > 0, name, resolved[name], 'a positive whole number');
  }
  for (const name of ['cacheBytesMax', 'cacheFilesMax'] as const) {
    expect(Number.isSafeInteger(resolved[name]) && resolved[name] >= 0, name, resolved[name], 'a whole number');
  }
  expect(resolved.partBytes >= PART_BYTES_MIN, 'partBytes', resolved.partBytes, `at least ${PART_BYTES_MIN}`);
  const { multipartBytesMin } = resolved;
  const most = `at most ${SINGLE_PUT_BYTES_MAX}`;
  expect(multipartBytesMin <= SINGLE_PUT_BYTES_MAX, 'multipartBytesMin', multipartBytesMin, most);
  return resolved;
}

const COUNTS = [
  'requestsMax',
  'requestsWaitingMax',
  'uploadBytesMax',
  'multipartBytesMin',
  'partBytes',
  'connectTimeoutMs',
  'idleTimeoutMs',
  'attemptsMax',
] as const;

function expect(isRight: boolean, name: keyof S3ObjectStoreConfig, value: unknown, expected: string): void {
  if (!isRight) throw new RangeError(`${name} of the S3 store is ${JSON.stringify(value)}: expected ${expected}`);
}

function isHttpUrl(text: string): boolean {
  return ['http:', 'https:'].includes(URL.parse(text)?.protocol ?? '');
}
