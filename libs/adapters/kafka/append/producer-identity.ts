import { PortError } from '@k2/ports';
import type { KafkaCluster } from '../connection/kafkajs-cluster.ts';
import { passing } from '../connection/patience.ts';
import { isPassingError, KAFKA_ERRORS, kafkaErrorName } from '../protocol/kafka-request.ts';
import { initProducerIdRequest } from '../protocol/produce-requests.ts';

export interface Identity {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** By whom the batches are. A new one is taken if the sequence under the old one has a hole. */
export class ProducerIdentity {
  private readonly cluster: KafkaCluster;
  private identity: Promise<Identity> | null = null;

  constructor(cluster: KafkaCluster) {
    this.cluster = cluster;
  }

  current(): Promise<Identity> {
    this.identity ??= this.init();
    return this.identity;
  }

  /** What was begun under the old one goes on under it. */
  renew(): void {
    this.identity = null;
  }

  private async init(): Promise<Identity> {
    try {
      const { errorCode, producerId, producerEpoch } = await this.cluster.send(null, initProducerIdRequest());
      if (errorCode === KAFKA_ERRORS.NONE) return { producerId, producerEpoch };
      const message = `Kafka gave no producer id: ${kafkaErrorName(errorCode)}`;
      if (isPassingError(errorCode)) throw passing(message);
      throw new PortError('unavailable', `${message}; grant IdempotentWrite on the cluster, or Write on a topic`, {
        errorCode,
      });
    } catch (error) {
      this.identity = null;
      throw error;
    }
  }
}
