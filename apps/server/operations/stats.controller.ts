import { Controller, Get, Inject, Query } from '@nestjs/common';
import { printTimeUs } from '@k2/domain/market';
import { partitionName } from '@k2/usecases';
import { API_CONTEXT, type ApiContext } from '../api-context.ts';
import { publicError, publicErrorOrNull, publicMessage } from '../http/public-error.ts';
import { NoParameters } from '../http/validation.ts';
import { VERSIONS } from './versions.ts';

@Controller('v1')
export class StatsController {
  constructor(@Inject(API_CONTEXT) private readonly context: ApiContext) {}

  @Get('stats')
  async stats(@Query() _none: NoParameters): Promise<object> {
    const { platform } = this.context;
    const { store, clock } = platform.ports;
    const { roles, startedUs, feeds, sink, maintain } = platform.status;
    // Ingest opens no store, maintenance no log: what is not there is said as nothing, not as a failure.
    const [tables, partitions] = await Promise.all([
      roles.some((role) => role !== 'ingest') ? store.stats() : [],
      roles.some((role) => role === 'sink' || role === 'api') ? this.partitions() : [],
    ]);
    return {
      versions: VERSIONS,
      roles,
      startedTime: printTimeUs(startedUs),
      uptimeSeconds: Math.floor((clock.nowUs() - startedUs) / 1_000_000),
      failed: publicErrorOrNull(platform.failed),
      tables: tables.map(({ snapshotId, committedUs, ...table }) => ({
        ...table,
        snapshotId: snapshotId === null ? null : String(snapshotId),
        committedTime: printed(committedUs),
      })),
      log: { lagRecords: partitions.reduce((sum, { lagRecords }) => sum + lagRecords, 0), partitions },
      feeds: feeds.map(({ error, ...feed }) => ({ ...feed, error: publicErrorOrNull(error) })),
      sink: sink === null ? null : sinkJson(sink),
      maintain: maintain === null ? null : maintainJson(maintain),
    };
  }

  /** How far the log is, and how far it is committed. */
  private async partitions() {
    const { log, store } = this.context.platform.ports;
    const [topics, progress] = await Promise.all([log.topics(), store.progress()]);
    const committed = new Map(progress.map((at) => [partitionName(at), at.nextOffset]));
    const offsets = await log.offsets(topics.map(({ name }) => name));
    return offsets.map(({ topic, partition, startOffset, endOffset }) => {
      const committedOffset = committed.get(partitionName({ topic, partition })) ?? 0;
      return {
        topic,
        partition,
        startOffset,
        endOffset,
        committedOffset,
        lagRecords: Math.max(0, endOffset - committedOffset),
      };
    });
  }
}

function sinkJson({
  lastCommitUs,
  paused,
  error,
  failing,
  ...sink
}: NonNullable<ApiContext['platform']['status']['sink']>) {
  return {
    ...sink,
    error: publicErrorOrNull(error),
    failingSince: printed(failing?.sinceUs ?? null),
    paused: paused.map(({ sinceUs, error: reason, ...partition }) => ({
      ...partition,
      since: printed(sinceUs),
      message: publicMessage(reason),
    })),
    lastCommitTime: printed(lastCommitUs),
  };
}

function maintainJson({
  lastRoundUs,
  lastFailure,
  ...maintain
}: NonNullable<ApiContext['platform']['status']['maintain']>) {
  return {
    ...maintain,
    lastRoundTime: printed(lastRoundUs),
    lastFailure: lastFailure === null ? null : { ...lastFailure, error: publicError(lastFailure.error) },
  };
}

function printed(timeUs: number | null): string | null {
  return timeUs === null ? null : printTimeUs(timeUs);
}
