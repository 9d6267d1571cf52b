import { Module, type DynamicModule } from '@nestjs/common';
import { API_CONTEXT, type ApiContext } from './api-context.ts';
import { BarsController } from './market/bars.controller.ts';
import { GapsController } from './market/gaps.controller.ts';
import { QueryController } from './market/query.controller.ts';
import { AnswerSender } from './market/send-answer.ts';
import { SnapshotsController } from './market/snapshots.controller.ts';
import { SymbolsController } from './market/symbols.controller.ts';
import { TicksController } from './market/ticks.controller.ts';
import { HealthController } from './operations/health.controller.ts';
import { LoadsController } from './operations/loads.controller.ts';
import { MaintenanceController } from './operations/maintenance.controller.ts';
import { StatsController } from './operations/stats.controller.ts';

const OPERATIONS = [HealthController, StatsController, MaintenanceController];
const MARKET = [
  TicksController,
  BarsController,
  SymbolsController,
  GapsController,
  QueryController,
  SnapshotsController,
  LoadsController,
];

/** Every role is watched over HTTP; questions are answered by the api role alone. */
@Module({})
export class AppModule {
  static of(context: ApiContext): DynamicModule {
    const controllers = context.settings.role.includes('api') ? [...OPERATIONS, ...MARKET] : OPERATIONS;
    const sender = new AnswerSender(context.platform.ports, context.scratchDirectory);
    const providers = [
      { provide: API_CONTEXT, useValue: context },
      { provide: AnswerSender, useValue: sender },
    ];
    return { module: AppModule, controllers, providers };
  }
}
