import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { ListMultipartUploadsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { service, type S3Endpoint } from '@k2/testing/services';
import { S3ObjectStore } from './s3-object-store.ts';
import { contractHarness, deleteAll, placeOf, type ContractHarness } from './test-support/contract-harness.ts';
import { openPorts } from './test-support/ports.ts';

const MIB = 2 ** 20;

describe.each(['s3', 's3Second'] as const)('S3ObjectStore on %s', (name) => {
  let endpoint: S3Endpoint;
  let harness: ContractHarness;
  let store: S3ObjectStore;
  /** Past the store: what another program sees and does. */
  let client: S3Client;
  beforeEach(async () => {
    endpoint = service(name);
    harness = await contractHarness({ ...placeOf(endpoint), multipartBytesMin: 6 * MIB, partBytes: 5 * MIB });
    store = harness.store;
    client = new S3Client({ ...placeOf(endpoint), forcePathStyle: true });
  });
  afterEach(async () => {
    client.destroy();
    await deleteAll(store);
    await harness.close();
  });

  const fullKey = (key: string) => `${harness.prefix}/${key}`;
  // MinIO lists uploads of exactly one key.
  const uploadsOf = async (key: string) =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket: endpoint.bucket, Prefix: fullKey(key) }))).Uploads ??
    [];

  it('puts a large file in parts and gives it back, whole, by range and as a local file', async () => {
    const content = randomBytes(13 * MIB);
    const path = await harness.writeFile(content);
    expect(await store.putFileIfAbsent('data/large', path)).toEqual({ sizeBytes: content.length });
    await expect(access(path)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(content.equals(await store.get('data/large'))).toBe(true);
    const acrossParts = await store.get('data/large', { start: 5 * MIB - 10, length: 20 });
    expect(content.subarray(5 * MIB - 10, 5 * MIB + 10).equals(acrossParts)).toBe(true);
    const local = await store.localFile('data/large');
    expect(content.equals(await readFile(local.path))).toBe(true);
    local.release();
    expect(await uploadsOf('data/large')).toEqual([]);
    expect(await store.putFileIfAbsent('data/large', await harness.writeFile(content))).toEqual({
      sizeBytes: content.length,
    });
    expect(await uploadsOf('data/large')).toEqual([]);
  });

  it('lets one of several racing uploads in parts win, and leaves no parts of the others', async () => {
    const contents = Array.from({ length: 4 }, () => randomBytes(7 * MIB));
    const paths = await Promise.all(contents.map((content) => harness.writeFile(content)));
    const outcomes = await Promise.allSettled(paths.map((path) => store.putFileIfAbsent('race', path)));
    const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
    expect(winners).toHaveLength(1);
    expect(contents[winners[0]].equals(await store.get('race'))).toBe(true);
    expect(await uploadsOf('race')).toEqual([]);
  });

  it("holds other programs' objects against what it is to put, with any checksum that the server keeps", async () => {
    for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const) {
      const key = `theirs/${ChecksumAlgorithm}`;
      const theirs = { Bucket: endpoint.bucket, Key: fullKey(key), Body: Buffer.from('same'), ChecksumAlgorithm };
      await client.send(new PutObjectCommand(theirs));
      expect(Buffer.from(await store.get(key)).toString()).toBe('same');
      await store.putIfAbsent(key, Buffer.from('same'));
      await expect(store.putIfAbsent(key, Buffer.from('soma'))).rejects.toMatchObject({ kind: 'already-exists' });
    }
  });

  it('says why a bucket cannot be used', async () => {
    const open = (wrong: object) =>
      S3ObjectStore.open(
        { ...placeOf(endpoint), prefix: harness.prefix, cacheDirectory: harness.directory, ...wrong },
        openPorts(),
      );
    const { accessKeyId, secretAccessKey } = endpoint;
    await expect(open({ bucket: 'no-such-bucket-here' })).rejects.toMatchObject({
      message: expect.stringContaining('there is no bucket no-such-bucket-here'),
      retryable: false,
    });
    for (const credentials of [
      { accessKeyId, secretAccessKey: `${secretAccessKey}?` },
      { accessKeyId: 'nobody', secretAccessKey },
    ]) {
      await expect(open({ credentials })).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringContaining('was refused'),
        retryable: false,
      });
    }
  });
});
