import { randomUUID } from 'node:crypto';
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { PortError } from '@k2/ports';
import { statusOf, type S3Place } from './s3-error.ts';
import type { S3Requests } from './s3-requests.ts';

/** A probe object this old belongs to a process that died. */
const PROBE_AGE_MS_MAX = 3_600_000;

/**
 * Tries the server out with an object of its own under `folder`: the bucket answers, may be listed, written and deleted
 * from, and a second put-if-absent of one key is refused. A server that lets it overwrite is refused here.
 */
export async function probe(requests: S3Requests, folder: string, place: S3Place, nowMs: number): Promise<void> {
  // Listing comes first: without the right to it S3 answers 403 where an object is missing, and nothing is ever absent.
  const { Contents = [] } = await requests.run('ListObjectsV2', (client) =>
    client.send(new ListObjectsV2Command({ Bucket: requests.bucket, Prefix: folder })),
  );
  for (const { Key, LastModified } of Contents) {
    if (nowMs - (LastModified?.getTime() ?? nowMs) > PROBE_AGE_MS_MAX) await remove(requests, Key!);
  }
  const key = `${folder}${randomUUID()}`;
  try {
    // Refused already here: the SDK sent it twice, and the first one landed. Nobody else writes this key.
    await put(requests, key, 'first');
    if ((await put(requests, key, 'second')) !== 'refused') throw conditionIgnored(place);
  } catch (error) {
    await remove(requests, key).catch(() => undefined);
    throw error;
  }
  await remove(requests, key);
}

async function put(requests: S3Requests, Key: string, content: string): Promise<'done' | 'refused' | 'unknown to it'> {
  const Body = Buffer.from(content);
  try {
    await requests.run('PutObject', (client) =>
      client.send(new PutObjectCommand({ Bucket: requests.bucket, Key, Body, IfNoneMatch: '*' })),
    );
    return 'done';
  } catch (error) {
    if (statusOf(error) === 412) return 'refused';
    if (statusOf(error) === 501) return 'unknown to it';
    throw error;
  }
}

async function remove(requests: S3Requests, Key: string): Promise<void> {
  await requests.run('DeleteObject', (client) =>
    client.send(new DeleteObjectCommand({ Bucket: requests.bucket, Key })),
  );
}

function conditionIgnored({ bucket, endpoint, region }: S3Place): PortError {
  const at = endpoint ?? `AWS ${region}`;
  const message = `the S3 server at ${at} ignores If-None-Match on a put: two writers would overwrite each other's objects in bucket ${bucket}; use a server that honours it`;
  return new PortError('unavailable', message, { bucket, endpoint: at });
}
