import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/** What the proxy does to the bytes of a connection. */
export type Fault =
  | { readonly kind: 'none' }
  /** Both directions are late by this. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** Connections stay open and nothing passes any more, in either direction. */
  | { readonly kind: 'half-open' }
  /** New connections are reset at once. */
  | { readonly kind: 'refuse' };

/**
 * A TCP proxy in front of a real server that does what networks do. Requests of one kind can be let through and their
 * replies lost: the server has done what its client will never know.
 */
export class TcpFaultProxy {
  private readonly server: Server;
  private readonly target: ProxyTarget;
  private readonly links = new Set<Link>();
  private fault: Fault = { kind: 'none' };
  private trap: Trap | null = null;

  static async listen(target: ProxyTarget): Promise<TcpFaultProxy> {
    const proxy = new TcpFaultProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.server.once('error', reject);
      proxy.server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  private constructor(target: ProxyTarget) {
    this.target = target;
    this.server = createServer((client) => this.accept(client));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Holds for connections that are open, too. */
  set(fault: Fault): void {
    this.fault = fault;
    if (fault.kind !== 'half-open') for (const link of this.links) link.flow();
  }

  /** Resets every open connection (RST). Returns how many there were. */
  reset(): number {
    const count = this.links.size;
    for (const link of [...this.links]) link.reset();
    return count;
  }

  /**
   * The next `times` times a client sends the text, its bytes reach the server, but nothing that the server answers on
   * that connection comes back; `afterMs` later the connection is reset. Resolves when the last one was.
   */
  loseReplies(text: string, { times = 1, afterMs = 50 }: { times?: number; afterMs?: number } = {}): Promise<void> {
    return new Promise((done) => {
      this.trap = { text: Buffer.from(text), left: times, afterMs, done };
    });
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.fault.kind === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.target.port, this.target.host);
    const link = new Link(client, server, {
      fault: () => this.fault,
      sent: (bytes) => this.spring(link, bytes),
      ended: () => this.links.delete(link),
    });
    this.links.add(link);
  }

  private spring(link: Link, bytes: Buffer): void {
    const { trap } = this;
    if (trap === null || trap.left === 0 || !link.noteSent(bytes, trap.text)) return;
    trap.left--;
    link.swallowReplies();
    const isLast = trap.left === 0;
    if (isLast) this.trap = null;
    void sleep(trap.afterMs).then(() => {
      link.reset();
      if (isLast) trap.done();
    });
  }
}

interface Trap {
  readonly text: Buffer;
  left: number;
  readonly afterMs: number;
  readonly done: () => void;
}

interface LinkRules {
  readonly fault: () => Fault;
  readonly sent: (bytes: Buffer) => void;
  readonly ended: () => void;
}

/** One connection through the proxy. */
class Link {
  private readonly client: Socket;
  private readonly server: Socket;
  private readonly rules: LinkRules;
  private isSwallowing = false;
  /** End of what the client sent before: the text may be cut in two. */
  private tail: Buffer = Buffer.alloc(0);
  private held: (() => void)[] = [];

  constructor(client: Socket, server: Socket, rules: LinkRules) {
    this.client = client;
    this.server = server;
    this.rules = rules;
    server.on('error', () => this.reset());
    client.on('data', (bytes) => {
      rules.sent(bytes);
      this.pass(() => this.server.write(bytes));
    });
    server.on('data', (bytes) => {
      if (!this.isSwallowing) this.pass(() => this.client.write(bytes));
    });
    client.on('end', () => this.pass(() => this.server.end()));
    server.on('end', () => this.pass(() => this.client.end()));
    for (const socket of [client, server]) {
      socket.on('close', () => {
        client.destroy();
        server.destroy();
        rules.ended();
      });
    }
  }

  /** Whether the text has now been sent whole. */
  noteSent(bytes: Buffer, text: Buffer): boolean {
    const seen = Buffer.concat([this.tail, bytes]);
    this.tail = Buffer.from(seen.subarray(Math.max(0, seen.length - text.length + 1)));
    return seen.includes(text);
  }

  swallowReplies(): void {
    this.isSwallowing = true;
  }

  /** Lets go on what a half-open connection held back. */
  flow(): void {
    for (const act of this.held.splice(0)) act();
  }

  reset(): void {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  private pass(act: () => unknown): void {
    const fault = this.rules.fault();
    const guarded = () => {
      if (!this.client.destroyed && !this.server.destroyed) act();
    };
    if (fault.kind === 'half-open' || this.held.length > 0) this.held.push(guarded);
    else if (fault.kind === 'latency') void sleep(fault.ms).then(guarded);
    else guarded();
  }
}
