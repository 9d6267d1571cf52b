import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import kafkajs, { type Cluster, type logCreator, type PartitionAssigner, type SASLOptions } from 'kafkajs';
import { KafkaReader } from '../protocol/kafka-reader.ts';
import type { KafkaRequest } from '../protocol/kafka-request.ts';
import { KafkaWriter } from '../protocol/kafka-writer.ts';
import { connectionFailure, type KafkaConnectionOptions } from './connection-options.ts';

/**
 * The only file that goes beyond kafkajs's documented API. kafkajs brings connections, TLS, SASL, the discovery of brokers
 * and the matching of answers to requests; K2 encodes the requests itself (`protocol/`), because kafkajs has no reading
 * by assignment, no topic ids, no cooperative hand-over, and makes an object per record. What is used, all of 2.2.4:
 *
 * - `consumer({ partitionAssigners })` hands out the client's `Cluster` (typed in its types/index.d.ts).
 * - `cluster.brokerPool` with `findConnectedBroker()` and `connectionPoolBuilder` (src/cluster/brokerPool.js).
 * - `broker.connectionPool.send({ request, response })` and `.pool` (src/network/connectionPool.js).
 * - `connection.connect`, `.isConnected`, `.processData`, `.socket`, `.chunks`, `.bytesBuffered`, `.bytesNeeded` and
 *   `.requestQueue.scheduleCheckPendingRequests` (src/network/connection.js).
 *
 * `kafkajs-cluster.services.spec.ts` fails if a version of kafkajs changes one of these.
 */
export class KafkaCluster {
  private readonly options: KafkaConnectionOptions;
  private readonly cluster: Cluster & ClusterInternals;
  private readonly sockets = new Set<Socket>();
  private readonly connectionTurns = new WeakMap<BrokerInternals, Promise<unknown>>();
  private connecting: Promise<void> | null = null;
  private isClosed = false;

  constructor(options: KafkaConnectionOptions, log: KafkaLog) {
    this.options = options;
    let cluster: Cluster | null = null;
    const partitionAssigners: PartitionAssigner[] = [
      (handed) => {
        cluster = handed.cluster;
        return { name: 'k2', version: 0, assign: async () => [], protocol: () => ({ name: 'k2', metadata: NOTHING }) };
      },
    ];
    const kafka = new kafkajs.Kafka({
      clientId: options.clientId,
      brokers: [...options.brokers],
      connectionTimeout: options.connectTimeoutMs,
      authenticationTimeout: options.connectTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      // Whether to try again is decided where the time that is left is known.
      retry: { retries: 0, initialRetryTime: 1 },
      logLevel: kafkajs.logLevel.WARN,
      logCreator: logsTo(log),
      socketFactory: ({ host, port, ssl, onConnect }) => this.socket(host, port, ssl ?? null, onConnect),
      ...(options.tls !== undefined && { ssl: { ...options.tls } as ConnectionOptions }),
      ...(options.sasl !== undefined && { sasl: { ...options.sasl } as SASLOptions }),
    });
    kafka.consumer({ groupId: 'k2', partitionAssigners, allowAutoTopicCreation: false });
    this.cluster = cluster! as Cluster & ClusterInternals;
    const { connectionPoolBuilder } = this.cluster.brokerPool;
    const build = connectionPoolBuilder.build;
    connectionPoolBuilder.build = async (destination) => {
      const pool = await build(destination);
      for (const connection of pool.pool) {
        keepFromSpinning(connection.requestQueue);
        startEachSocketAnew(connection);
      }
      return pool;
    };
  }

  /**
   * Sends a request to one broker, or to any where `nodeId` is null. Rejects with PortError `unavailable`: retryable where
   * the broker could not be reached or did not answer in time, not so if it refused to talk to us. Error codes in the
   * answer are the caller's to look at.
   */
  async send<Answer>(nodeId: number | null, request: KafkaRequest<Answer>): Promise<Answer> {
    try {
      await this.connected();
      const broker = await this.broker(nodeId);
      return await this.exchange(broker, request);
    } catch (error) {
      throw connectionFailure(error, this.options, request.apiName);
    }
  }

  /** The highest version of a request that a broker speaks. */
  async versionOf(apiKey: number): Promise<number> {
    try {
      await this.connected();
      return (await this.broker(null)).versions?.[apiKey]?.maxVersion ?? 0;
    } catch (error) {
      throw connectionFailure(error, this.options, 'ApiVersions');
    }
  }

  /** Requests under way fail. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const socket of this.sockets) socket.destroy(new Error('closed by K2'));
    // Its connections wait for requests under way, which have just failed.
    await this.cluster.disconnect().catch(() => undefined);
  }

  private async connected(): Promise<void> {
    if (this.isClosed) throw new Error('the connection was closed');
    this.connecting ??= this.connect();
    await this.connecting;
  }

  private async connect(): Promise<void> {
    try {
      await this.cluster.connect();
      await this.cluster.refreshMetadata();
    } catch (error) {
      this.connecting = null;
      throw error;
    }
  }

  private async broker(nodeId: number | null): Promise<BrokerInternals> {
    if (nodeId === null) return this.cluster.brokerPool.findConnectedBroker();
    return (await this.cluster.findBroker({ nodeId: String(nodeId) })) as unknown as BrokerInternals;
  }

  private async exchange<Answer>(broker: BrokerInternals, request: KafkaRequest<Answer>): Promise<Answer> {
    const { apiKey, apiName, apiVersion, isFlexible } = request;
    const { requestTimeoutMs } = this.options;
    const connection = await this.connection(broker, apiKey);
    try {
      return await connection.send<Answer>({
        request: { apiKey, apiName, apiVersion, encode: async () => encoded(request) },
        response: {
          decode: async (payload) => ({ clientSideThrottleTime: 0, answer: decoded(request, payload, isFlexible) }),
          parse: async ({ answer }) => answer,
        },
        requestTimeout: (request.brokerWaitMs ?? 0) + requestTimeoutMs,
        logResponseError: false,
      });
    } catch (error) {
      // kafkajs keeps the connection; if its other end is gone without a word, nothing would ever answer.
      if ((error as Error).name === 'KafkaJSRequestTimeoutError') connection.socket?.destroy(error as Error);
      throw error;
    }
  }

  /** In turn: kafkajs opens a second socket, and mixes both, where two requests find a connection closed. */
  private connection(broker: BrokerInternals, apiKey: number): Promise<Connection> {
    const before = this.connectionTurns.get(broker) ?? Promise.resolve();
    const connection = before.then(() => broker.connectionPool.getConnectionByRequest({ request: { apiKey } }));
    this.connectionTurns.set(
      broker,
      connection.catch(() => undefined),
    );
    return connection;
  }

  private socket(host: string, port: number, tls: ConnectionOptions | null, onConnect: () => void): Socket {
    const socket =
      tls === null
        ? connectTcp({ host, port }, onConnect)
        : connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...tls }, onConnect);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    return socket;
  }
}

export type KafkaLog = (message: string, fields: Readonly<Record<string, unknown>>) => void;

interface ClusterInternals {
  readonly brokerPool: {
    findConnectedBroker(): Promise<BrokerInternals>;
    readonly connectionPoolBuilder: { build(destination?: unknown): Promise<ConnectionPool> };
  };
}

interface BrokerInternals {
  readonly connectionPool: ConnectionPool;
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
}

interface ConnectionPool {
  /** One for Fetch, which waits for records, and one for everything else. */
  readonly pool: readonly Connection[];
  getConnectionByRequest(of: { readonly request: { readonly apiKey: number } }): Promise<Connection>;
}

interface Connection {
  readonly socket?: Socket;
  /** What has come of an answer that is not whole yet. */
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
  isConnected(): boolean;
  connect(): Promise<boolean>;
  processData(data: Buffer): void;
  readonly requestQueue: RequestQueue;
  send<Answer>(exchange: Exchange<Answer>): Promise<Answer>;
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

interface Exchange<Answer> {
  readonly request: {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: {
    decode(payload: Buffer): Promise<{ readonly clientSideThrottleTime: number; readonly answer: Answer }>;
    parse(decoded: { readonly answer: Answer }): Promise<Answer>;
  };
  readonly requestTimeout: number;
  readonly logResponseError: boolean;
}

const NOTHING = Buffer.alloc(0);
const KEEP_ALIVE_MS = 10_000;

function encoded(request: KafkaRequest<unknown>): { readonly buf: Buffer; readonly buffer: Buffer } {
  const out = new KafkaWriter(request.sizeBytes);
  if (request.isFlexible) out.noTags();
  request.write(out);
  const buffer = out.finish();
  // What kafkajs takes for an encoder.
  return { buf: buffer, buffer };
}

function decoded<Answer>(request: KafkaRequest<Answer>, payload: Buffer, isFlexible: boolean): Answer {
  const input = new KafkaReader(payload);
  if (isFlexible) input.tags();
  return request.read(input);
}

/**
 * With nothing to send kafkajs looks again every millisecond, on every connection, for ever: 5 % of a core, and Node's
 * TimeoutNegativeWarning. There is something to look for only where requests wait.
 */
function keepFromSpinning(queue: RequestQueue): void {
  const schedule = queue.scheduleCheckPendingRequests.bind(queue);
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule();
  };
}

/** Every answer begins with its size. */
const SIZE_BYTES = 4;

/**
 * Where a connection broke off within an answer kafkajs keeps what had come of it, takes the next socket's answers for the
 * rest, and throws at what it finds there, where nobody can catch it. So what is left is forgotten with its socket, and
 * bytes that are no answer cost their connection.
 */
function startEachSocketAnew(connection: Connection): void {
  const connect = connection.connect.bind(connection);
  connection.connect = () => {
    if (!connection.isConnected()) {
      connection.socket?.destroy();
      connection.chunks = [];
      connection.bytesBuffered = 0;
      connection.bytesNeeded = SIZE_BYTES;
    }
    return connect();
  };
  const process = connection.processData.bind(connection);
  connection.processData = (data) => {
    try {
      process(data);
    } catch (error) {
      connection.socket?.destroy(error as Error);
    }
  };
}

function logsTo(log: KafkaLog): logCreator {
  return () =>
    ({ namespace, log: { message, ...fields } }) =>
      log(message, { namespace, ...fields, stack: undefined });
}
