import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3ObjectStoreConfig } from '../s3-config.ts';
import { S3ObjectStore } from '../s3-object-store.ts';
import { FakeS3 } from './fake-s3.ts';
import { openPorts, type CountingTelemetry } from './ports.ts';

/** For specs of servers that fall silent; too short for others on a busy machine. */
export const SHORT_TIMEOUTS = { idleTimeoutMs: 400, connectTimeoutMs: 400 };

/** A store on a server whose faults a spec chooses. */
export class FaultyWorld {
  static readonly prefix = 'lake';
  readonly server: FakeS3;
  readonly directory: string;
  readonly telemetry: CountingTelemetry;
  readonly store: S3ObjectStore;
  private files = 0;

  static async open(config: Partial<S3ObjectStoreConfig> = {}): Promise<FaultyWorld> {
    const server = await FakeS3.start();
    const directory = await mkdtemp(join(tmpdir(), 'k2-s3-'));
    const ports = openPorts();
    const store = await S3ObjectStore.open(FaultyWorld.config(server, directory, config), ports);
    server.requests.length = 0;
    return new FaultyWorld(server, directory, ports.telemetry, store);
  }

  static config(server: FakeS3, directory: string, config: Partial<S3ObjectStoreConfig> = {}) {
    return {
      endpoint: server.endpoint,
      region: 'home-1',
      bucket: FakeS3.bucket,
      prefix: FaultyWorld.prefix,
      credentials: { accessKeyId: 'fake', secretAccessKey: 'fake' },
      cacheDirectory: join(directory, 'cache'),
      ...config,
    };
  }

  private constructor(server: FakeS3, directory: string, telemetry: CountingTelemetry, store: S3ObjectStore) {
    this.server = server;
    this.directory = directory;
    this.telemetry = telemetry;
    this.store = store;
  }

  /** Content of an object on the server; null: none. */
  bytes(key: string): Buffer | null {
    return this.server.objects.get(`${FaultyWorld.prefix}/${key}`)?.content ?? null;
  }

  content(key: string): string | null {
    return this.bytes(key)?.toString() ?? null;
  }

  /** Another writer's object. */
  put(key: string, content: string): void {
    this.server.put(`${FaultyWorld.prefix}/${key}`, content);
  }

  requests(method: string): number {
    return this.server.requests.filter((request) => request.method === method).length;
  }

  async file(content: string | Uint8Array): Promise<string> {
    const path = join(this.directory, `file-${++this.files}`);
    await writeFile(path, content);
    return path;
  }

  cached(): Promise<string[]> {
    return readdir(join(this.directory, 'cache'));
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.server.close();
    await rm(this.directory, { recursive: true });
  }
}
