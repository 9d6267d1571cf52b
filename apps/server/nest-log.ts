import type { LoggerService } from '@nestjs/common';
import type { LogLevel, Telemetry } from '@k2/ports';

/** Nest's own lines, through telemetry; its start-up chatter is for debugging. */
export class NestLog implements LoggerService {
  constructor(private readonly telemetry: Telemetry) {}

  log(message: unknown, ...more: unknown[]): void {
    this.write('debug', message, more);
  }

  warn(message: unknown, ...more: unknown[]): void {
    this.write('warn', message, more);
  }

  error(message: unknown, ...more: unknown[]): void {
    this.write('error', message, more);
  }

  private write(level: LogLevel, message: unknown, more: readonly unknown[]): void {
    this.telemetry.log(
      level,
      `nest: ${message instanceof Error ? message.message : String(message)}`,
      more.length > 0 ? { more } : {},
    );
  }
}
