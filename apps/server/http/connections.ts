import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Counter, Scheduler, Telemetry } from '@k2/ports';

export interface ConnectionLimits {
  /** Connections at once. One more takes the place of the one that has been idle for longest. */
  readonly connectionsMax: number;
  /** Pipelined requests of a connection that wait for the one before; then nothing more is read from it. */
  readonly pipelinedMax: number;
  /** A connection whose client takes no byte of an answer for so long is cut. */
  readonly writeIdleMs: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  connectionsMax: 1_024,
  pipelinedMax: 16,
  writeIdleMs: 30_000,
};

const SWEEP_INTERVAL_MS = 1_000;

/** Why a connection was closed by the server. */
type Closing = 'gave way' | 'no room' | 'not read';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Begins the work of the request. */
  readonly start: () => void;
}

interface Connection {
  answering: Exchange | null;
  readonly waiting: Exchange[];
  /** Bytes that had left the process when they were last seen to move, and when that was. */
  sentBytes: number;
  sentUs: number;
}

/**
 * What one client may take from the others: a place, turns and memory. Places go to those who use them, requests of
 * one connection are worked on one at a time, and an answer that nobody reads is aborted.
 */
export class Connections {
  /** Least recently active first. */
  private readonly open = new Map<Socket, Connection>();
  private readonly clock: Clock;
  private readonly scheduler: Scheduler;
  private readonly limits: ConnectionLimits;
  private readonly closed: Counter;
  private readonly sweeping: AbortController = new AbortController();

  constructor(
    { clock, scheduler, telemetry }: { clock: Clock; scheduler: Scheduler; telemetry: Telemetry },
    limits: ConnectionLimits = CONNECTION_LIMITS,
  ) {
    this.clock = clock;
    this.scheduler = scheduler;
    this.limits = limits;
    this.closed = telemetry.counter(
      'k2_http_connections_closed_total',
      'Connections that the server closed: gave way to a new one, no room for it, its answer not read.',
    );
    telemetry.gauge('k2_http_connections', 'Connections open.', () => [[this.open.size, {}]]);
  }

  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.admit(socket));
    server.once('listening', () => void this.sweepUntilStopped());
  }

  stop(): void {
    this.sweeping.abort();
  }

  /** Calls `start` when the requests before it on its connection are answered; never, if the client leaves before. */
  inTurn(request: IncomingMessage, response: ServerResponse, start: () => void): void {
    const { socket } = request;
    const connection = this.open.get(socket);
    if (connection === undefined) {
      // Injected, not received.
      start();
      return;
    }
    const exchange = { request, response, start };
    if (connection.answering === null) {
      this.begin(socket, connection, exchange);
      return;
    }
    connection.waiting.push(exchange);
    if (connection.waiting.length >= this.limits.pipelinedMax) socket.pause();
  }

  /** Cuts connections whose client has not taken a byte for too long. */
  sweep(): void {
    const nowUs = this.clock.monotonicUs();
    for (const [socket, connection] of this.open) {
      const sentBytes = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0 || sentBytes !== connection.sentBytes) {
        connection.sentBytes = sentBytes;
        connection.sentUs = nowUs;
      } else if (nowUs - connection.sentUs >= this.limits.writeIdleMs * 1_000) {
        this.close(socket, 'not read');
      }
    }
  }

  private async sweepUntilStopped(): Promise<void> {
    const { signal } = this.sweeping;
    for (;;) {
      await this.scheduler.sleep(SWEEP_INTERVAL_MS, signal);
      if (signal.aborted) return;
      this.sweep();
    }
  }

  private admit(socket: Socket): void {
    if (this.open.size >= this.limits.connectionsMax && !this.makeRoom()) {
      this.close(socket, 'no room');
      return;
    }
    const connection = { answering: null, waiting: [], sentBytes: 0, sentUs: this.clock.monotonicUs() };
    this.open.set(socket, connection);
    socket.once('close', () => this.open.delete(socket));
  }

  /** A request that has not arrived whole keeps no place: otherwise senders of half requests could take them all. */
  private makeRoom(): boolean {
    for (const [socket, { answering }] of this.open) {
      if (answering !== null && answering.request.complete) continue;
      this.close(socket, 'gave way');
      return true;
    }
    return false;
  }

  private close(socket: Socket, reason: Closing): void {
    this.open.delete(socket);
    socket.destroy();
    this.closed.add(1, { reason });
  }

  private begin(socket: Socket, connection: Connection, exchange: Exchange): void {
    connection.answering = exchange;
    exchange.response.once('close', () => this.next(socket, connection));
    exchange.start();
  }

  private next(socket: Socket, connection: Connection): void {
    connection.answering = null;
    if (!this.open.has(socket) || socket.destroyed) return;
    // Moves it to the most recently active ones.
    this.open.delete(socket);
    this.open.set(socket, connection);
    const exchange = connection.waiting.shift();
    if (exchange !== undefined) this.begin(socket, connection, exchange);
    if (connection.waiting.length === 0 && socket.isPaused()) socket.resume();
  }
}
