import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP proxy in front of one broker. It puts its own port where the broker names its own, so that clients stay with it,
 * and does to their connections what networks and crashes do.
 */
export class FaultProxy {
  private readonly broker: { readonly host: string; readonly port: number };
  private server: Server | null = null;
  private readonly connections = new Set<Connection>();
  private port = 0;
  private swallowed: ((request: { readonly apiKey: number }) => boolean) | null = null;
  private cutAfterBytes: number | null = null;
  private isFrozen = false;

  static async before(broker: string): Promise<FaultProxy> {
    const [host, port] = broker.split(':');
    const proxy = new FaultProxy({ host, port: Number(port) });
    await proxy.listen();
    return proxy;
  }

  private constructor(broker: { readonly host: string; readonly port: number }) {
    this.broker = broker;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** As a broker that is killed: connections are reset, and new ones refused. */
  async kill(): Promise<void> {
    const { server } = this;
    this.server = null;
    this.reset();
    await new Promise((resolve) => server?.close(resolve));
  }

  /** Back on the same port. */
  async revive(): Promise<void> {
    await this.listen();
  }

  reset(): void {
    for (const connection of this.connections) connection.reset();
  }

  /** From now on nothing goes through, in either direction, and nobody is told. */
  freeze(): void {
    this.isFrozen = true;
    for (const connection of this.connections) connection.pause();
  }

  thaw(): void {
    this.isFrozen = false;
    for (const connection of this.connections) connection.resume();
  }

  /**
   * The next request that matches reaches the broker, its answer is lost, and the connection is reset: the sender does
   * not know whether it took effect. Resolves when that has happened.
   */
  loseAnswer(matches: (request: { readonly apiKey: number }) => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.swallowed = (request) => {
        if (!matches(request)) return false;
        this.swallowed = null;
        resolve();
        return true;
      };
    });
  }

  /** Of the next answer no more than the first bytes arrive, and its connection is closed. */
  cutNextAnswer(afterBytes: number): void {
    this.cutAfterBytes = afterBytes;
  }

  async close(): Promise<void> {
    await this.kill();
  }

  private async listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: false }, (client) => this.accept(client));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as { port: number }).port;
  }

  private accept(client: Socket): void {
    const connection = new Connection(client, connect(this.broker), {
      losesAnswerTo: (request) => this.swallowed?.(request) ?? false,
      cutsAnswerAfter: () => {
        const { cutAfterBytes } = this;
        this.cutAfterBytes = null;
        return cutAfterBytes;
      },
      rewrite: (data) => this.rewritten(data),
      ended: () => this.connections.delete(connection),
    });
    this.connections.add(connection);
    if (this.isFrozen) connection.pause();
  }

  /** Host as kafkajs's Metadata version 6 has it, and then the port. */
  private rewritten(data: Buffer): Buffer {
    const { host, port } = this.broker;
    const named = Buffer.alloc(2 + host.length + 4);
    named.writeInt16BE(host.length);
    named.write(host, 2);
    named.writeInt32BE(port, 2 + host.length);
    for (let at = data.indexOf(named); at >= 0; at = data.indexOf(named, at + 1)) {
      data.writeInt32BE(this.port, at + 2 + host.length);
    }
    return data;
  }
}

interface Hooks {
  losesAnswerTo(request: { readonly apiKey: number }): boolean;
  cutsAnswerAfter(): number | null;
  rewrite(data: Buffer): Buffer;
  ended(): void;
}

class Connection {
  private readonly client: Socket;
  private readonly broker: Socket;
  private isDeaf = false;

  constructor(client: Socket, broker: Socket, { losesAnswerTo, cutsAnswerAfter, rewrite, ended }: Hooks) {
    this.client = client;
    this.broker = broker;
    client.on('data', (data) => {
      // Clients send a request at a time here, so one begins where a chunk does, if anything does.
      if (data.length >= 6 && losesAnswerTo({ apiKey: data.readInt16BE(4) })) this.isDeaf = true;
      broker.write(data);
    });
    broker.on('data', (data) => {
      if (this.isDeaf) return this.reset();
      const cutAfterBytes = cutsAnswerAfter();
      if (cutAfterBytes === null) return void client.write(rewrite(data));
      client.end(data.subarray(0, cutAfterBytes));
      broker.destroy();
    });
    for (const socket of [client, broker]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (!client.writableEnded) client.destroy();
        broker.destroy();
        ended();
      });
    }
  }

  reset(): void {
    this.client.resetAndDestroy();
    this.broker.destroy();
  }

  pause(): void {
    this.client.pause();
    this.broker.pause();
  }

  resume(): void {
    this.client.resume();
    this.broker.resume();
  }
}
