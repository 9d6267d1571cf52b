import type { S3ServiceException } from '@aws-sdk/client-s3';
import { PortError, isPortError, type ObjectStoreError } from '@k2/ports';

/** S3's own names: those that a policy grants and a server's log shows. */
export type S3Operation =
  | 'GetObject'
  | 'HeadObject'
  | 'PutObject'
  | 'DeleteObject'
  | 'ListObjectsV2'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'ListMultipartUploads';

/** Where the store is, for messages. */
export interface S3Place {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint?: string;
}

/** A request that failed after its retries. */
export class FailedRequest extends Error {
  readonly operation: S3Operation;
  /** S3's code (`NoSuchKey`), or that of the network. A HEAD is answered without a code. */
  readonly code: string;
  /** HTTP status of the last answer; undefined where there was none. */
  readonly status: number | undefined;
  /** The region that a redirect names, empty where it names none; undefined: not a redirect. */
  readonly otherRegion: string | undefined;
  private readonly attempts: number;

  constructor(operation: S3Operation, cause: unknown) {
    const { Code, code, name, message, $metadata } = cause as Partial<S3ServiceException> & SdkExtras;
    super(message === undefined || message === 'UnknownError' ? '' : message, { cause });
    this.operation = operation;
    this.code = Code ?? code ?? name ?? 'Unknown';
    this.status = $metadata?.httpStatusCode;
    this.attempts = $metadata?.attempts ?? 1;
    this.otherRegion = otherRegion(this.code, this.status, cause as SdkExtras);
  }

  /** It surely changed nothing: the server said so at the first attempt. */
  get isRefusal(): boolean {
    const status = this.status ?? 0;
    return status >= 300 && status < 500 && ![408, 409, 412, 429].includes(status) && this.attempts <= 1;
  }

  get isThrottled(): boolean {
    return this.status === 429 || THROTTLED.includes(this.code);
  }
}

interface SdkExtras {
  readonly Code?: string;
  readonly code?: string;
  readonly Region?: string;
}

/** The body of an answer ended early, or is not what its checksum says. */
export class BrokenBody extends Error {
  readonly isDamaged: boolean;

  constructor(message: string, options: { readonly isDamaged: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.isDamaged = options.isDamaged;
  }
}

const THROTTLED = ['SlowDown', 'TooManyRequests', 'RequestLimitExceeded', 'Throttling', 'ThrottlingException'];
const ANOTHER_REGION = ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'];
/** Codes for a body that did not arrive as it was sent. */
const ARRIVED_DAMAGED = [
  'BadDigest',
  'IncompleteBody',
  'RequestTimeout',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
];
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL/;

export function statusOf(error: unknown): number | undefined {
  return error instanceof FailedRequest ? error.status : undefined;
}

/** Few words, for the attributes of a metric. */
export function outcomeOf(error: unknown): string {
  if (isPortError(error)) return error.kind;
  if (error instanceof BrokenBody) return error.isDamaged ? 'damaged' : 'truncated';
  if (!(error instanceof FailedRequest)) return 'mistake';
  if (error.status === undefined) return error.code === 'AbortError' ? 'aborted' : 'unreachable';
  if (error.status === 404) return 'not-found';
  if (error.status === 409 || error.status === 412) return 'conflict';
  if (error.isThrottled) return 'throttled';
  return error.status >= 500 ? 'server-error' : 'refused';
}

/** An error as it crosses the port. */
export function objectStoreError(error: FailedRequest | BrokenBody, key: string, place: S3Place): ObjectStoreError {
  if (error instanceof BrokenBody) {
    const message = `GetObject of ${key} from bucket ${place.bucket}: ${error.message}`;
    return new PortError('unavailable', message, { key }, { retryable: !error.isDamaged, cause: error });
  }
  if (error.code === 'NoSuchKey') return notFound(key, error.cause);

  const at = place.endpoint ?? `AWS ${place.region}`;
  const { operation, code, status } = error;
  const { retryable, message } = verdict(error, key, place, at);
  const context = {
    key,
    bucket: place.bucket,
    endpoint: at,
    operation,
    code,
    ...(status === undefined ? {} : { status }),
  };
  return new PortError('unavailable', message, context, { retryable, cause: error.cause });
}

function verdict(
  { operation, code, status, message, otherRegion, isThrottled }: FailedRequest,
  key: string,
  { bucket, region }: S3Place,
  at: string,
): { readonly message: string; readonly retryable: boolean } {
  const asked = `${operation}${key === '' ? '' : ` of ${key}`} in bucket ${bucket} at ${at}`;
  const said = message === '' ? code : `${code} (${message})`;
  if (code === 'NoSuchBucket') {
    return { message: `there is no bucket ${bucket} at ${at}: create it, or correct the setting`, retryable: false };
  }
  if (otherRegion !== undefined) {
    const where = otherRegion === '' ? 'another region' : `region ${otherRegion}`;
    const message = `${asked}: the bucket is in ${where}, not in ${region}; correct the setting`;
    return { message, retryable: false };
  }
  if (status === undefined) {
    const isCertificate = CERTIFICATE.test(code);
    const advice = isCertificate
      ? 'trust its certificate authority'
      : 'check network, endpoint and credentials, try again';
    return { message: `${asked} got no answer: ${said}; ${advice}`, retryable: !isCertificate };
  }
  if ((status >= 500 && status !== 501) || [408, 409, 412].includes(status) || isThrottled) {
    return { message: `${asked} failed: ${said}; try again`, retryable: true };
  }
  if (ARRIVED_DAMAGED.includes(code)) {
    return { message: `${asked} arrived damaged: ${said}; try again`, retryable: true };
  }
  return { message: `${asked} was refused: ${said}; check credentials, policy and settings`, retryable: false };
}

export function notFound(key: string, cause?: unknown): PortError<'not-found'> {
  return new PortError('not-found', `there is no object ${key}`, { key }, { cause });
}

export function alreadyExists(key: string): PortError<'already-exists'> {
  return new PortError('already-exists', `${key} exists with other content: objects are never overwritten`, { key });
}

function otherRegion(code: string, status: number | undefined, cause: SdkExtras): string | undefined {
  if (!ANOTHER_REGION.includes(code) && status !== 301 && status !== 307) return undefined;
  const { $response } = cause as { readonly $response?: { readonly headers?: Readonly<Record<string, string>> } };
  return cause.Region ?? $response?.headers?.['x-amz-bucket-region'] ?? '';
}
