import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3Endpoint } from '@k2/testing/services';
import type { Site } from '../provider.ts';
import { askTimeoutMs, type Server } from '../server.ts';

/** The servers' root user. */
export const s3Key = { accessKeyId: 'k2testbed', secretAccessKey: 'k2testbed-secret' };
export const s3Region = 'us-east-1';
const bucket = 'lake';

export const minioServer = s3Server('s3');
export const versitygwServer = s3Server('s3Second');

function s3Server(endpoint: 's3' | 's3Second'): Server {
  return {
    listeners: ['api'],
    startTimeoutMs: 60_000,
    endpoints: (site) => ({ [endpoint]: s3Endpoint(site) }),
    ask: (site) => withClient(site, async (client) => void (await hasBucket(client))),
    furnish: (site) =>
      withClient(site, async (client) => {
        if (!(await hasBucket(client))) await client.send(new CreateBucketCommand({ Bucket: bucket }));
      }),
  };
}

function s3Endpoint(site: Site): S3Endpoint {
  return { endpoint: `http://127.0.0.1:${site.ports['api']}`, region: s3Region, ...s3Key, bucket };
}

async function hasBucket(client: S3Client): Promise<boolean> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return true;
  } catch (error) {
    if ((error as Error).name === 'NotFound') return false;
    throw error;
  }
}

async function withClient(site: Site, work: (client: S3Client) => Promise<void>): Promise<void> {
  const { endpoint, region } = s3Endpoint(site);
  const client = new S3Client({
    endpoint,
    region,
    credentials: { ...s3Key },
    forcePathStyle: true,
    maxAttempts: 1,
    requestHandler: { connectionTimeout: askTimeoutMs, requestTimeout: askTimeoutMs, throwOnRequestTimeout: true },
  });
  try {
    await work(client);
  } finally {
    client.destroy();
  }
}
