export { SimulatorFeed } from './feed.ts';
export {
  Ledger,
  SERIES_FAULTS,
  type InjectedFault,
  type ResetFault,
  type SeriesFault,
  type SeriesFaultKind,
  type SeriesSummary,
} from './ledger.ts';
export { parseSimulatorSpec, simulatorConfig, SIMULATOR_NUMBERS, type SimulatorConfig } from './options.ts';
export { Simulation, type SessionNotice } from './simulation.ts';
export { SIMULATED_VENUES } from './universe.ts';
