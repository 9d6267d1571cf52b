import { parseSimulatorSpec, Simulation } from '@k2/feed-simulator';
import { parseTimeUs } from '@k2/domain/market';

const START = '2026-01-05T14:30:00Z';

/** The tape of one run of the server: known in advance, tick by tick, whatever the speed it is sent at. */
export interface RunTape {
  readonly session: string;
  /** For `--feed`. */
  readonly spec: string;
  simulate(): Simulation;
}

export function runTape(seed: number, run: number, rate: number): RunTape {
  const session = `run-${run}`;
  const tape = `seed=${seed + run},session=${session},start=${START},badPrices=0.002,instruments=50`;
  const spec = `simulator:${tape},rate=${rate}`;
  return {
    session,
    spec,
    simulate: () => new Simulation(parseSimulatorSpec(spec), parseTimeUs(START)),
  };
}
