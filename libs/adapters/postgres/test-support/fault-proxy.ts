import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * What happens to a COMMIT: it passes; its reply is swallowed and the client cut off; or the client is cut off while the
 * message itself is still on its way, until the test lets it arrive or lets it be lost.
 */
export type CommitFault = 'none' | 'swallow-reply' | 'hold';

/** The end of a message that ends with this statement; BEGIN names READ COMMITTED. */
const COMMIT = 'COMMIT\0';

/** A TCP proxy before PostgreSQL that breaks connections where it hurts. */
export class FaultProxy {
  commitFault: CommitFault = 'none';
  /** Nothing passes any more, and no side hears of it. */
  isHalfOpen = false;
  private readonly server: Server;
  private readonly links = new Set<Link>();
  private readonly held: { readonly link: Link; readonly message: Buffer }[] = [];
  private readonly target: URL;

  static async before(url: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(url);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  private constructor(url: string) {
    this.target = new URL(url);
    this.server = createServer((client) => this.link(client));
  }

  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return url.href;
  }

  /** The COMMITs held arrive now. */
  deliverHeld(): void {
    for (const { link, message } of this.held.splice(0)) link.upstream.write(message);
  }

  /** The COMMITs held never arrive, and the server sees the connection end. */
  loseHeld(): void {
    for (const { link } of this.held.splice(0)) link.upstream.destroy();
  }

  async close(): Promise<void> {
    for (const { client, upstream } of this.links) {
      client.destroy();
      upstream.destroy();
    }
    this.server.close();
    await once(this.server, 'close');
  }

  private link(client: Socket): void {
    const upstream = connect(Number(this.target.port), this.target.hostname);
    const link: Link = { client, upstream, isCutOff: false };
    this.links.add(link);
    client.on('error', () => undefined);
    upstream.on('error', () => undefined);
    client.on('close', () => (link.isCutOff ? undefined : upstream.destroy()));
    upstream.on('close', () => client.destroy());
    client.on('data', (bytes) => this.toServer(link, bytes));
    upstream.on('data', (bytes) => this.toClient(link, bytes));
  }

  private toServer(link: Link, bytes: Buffer): void {
    if (this.isHalfOpen) return;
    if (this.commitFault === 'none' || !bytes.includes(COMMIT)) {
      link.upstream.write(bytes);
      return;
    }
    link.isCutOff = true;
    if (this.commitFault === 'hold') {
      this.held.push({ link, message: bytes });
      link.client.destroy();
    } else link.upstream.write(bytes);
  }

  private toClient(link: Link, bytes: Buffer): void {
    if (this.isHalfOpen) return;
    if (link.isCutOff) link.client.destroy();
    else link.client.write(bytes);
  }
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  isCutOff: boolean;
}
