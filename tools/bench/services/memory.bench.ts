import { setTimeout as sleep } from 'node:timers/promises';
import type { RoleProcess } from '../../world/role-process.ts';
import { report } from '../figure.ts';
import { progress, withWorld } from './bench-world.ts';
import { soakMinutes } from './options.ts';
import { gaugeOf } from './prometheus.ts';

/**
 * Memory of an ingest, a sink and maintenance under a steady load. Flat is what does not rise from one half of the time to
 * the other; the first minute, in which everything is opened, does not count.
 */
const RATE = 20_000;
const SAMPLE_MS = 5_000;
const MIB = 2 ** 20;
const GAUGES = { rss: 'k2_process_rss_bytes', heap: 'k2_process_heap_used_bytes' } as const;

await withWorld('block', async ({ world }) => {
  const processes = [
    world.launch('ingest', 'ingest', ['--feed', `simulator:rate=${RATE}`]),
    world.launch('sink', 'sink'),
    // Without it every commit would add a snapshot that nothing ever expires.
    world.launch('maintain', 'maintain'),
  ];
  await Promise.all(processes.map((process) => process.ready()));
  const samples = new Map(processes.map(({ name }) => [name, [] as Sample[]]));
  const startMs = performance.now();
  for (let minutes = 0; minutes < soakMinutes; minutes = (performance.now() - startMs) / 60_000) {
    for (const process of processes) samples.get(process.name)!.push(await sample(process, minutes));
    const now = processes
      .map(({ name }) => `${name} ${Math.round(samples.get(name)!.at(-1)!.rss / MIB)} MiB`)
      .join(', ');
    progress.update(`memory, minute ${Math.floor(minutes)} of ${soakMinutes}: ${now}`);
    await sleep(SAMPLE_MS);
  }
  for (const [name, taken] of samples) {
    for (const what of ['rss', 'heap'] as const) tell(name, what, taken);
  }
});

interface Sample {
  readonly minutes: number;
  readonly rss: number;
  readonly heap: number;
}

async function sample(process: RoleProcess, minutes: number): Promise<Sample> {
  const text = await process.metrics();
  if (text === null) throw new Error(`${process.name} does not answer:\n${process.printed.slice(-4_000)}`);
  return { minutes, rss: gaugeOf(text, GAUGES.rss), heap: gaugeOf(text, GAUGES.heap) };
}

function tell(name: string, what: 'rss' | 'heap', samples: readonly Sample[]): void {
  const steady = samples.filter(({ minutes }) => minutes >= 1);
  if (steady.length === 0) throw new Error('it ran for less than a minute: give it more --minutes');
  const values = steady.map((taken) => taken[what] / MIB);
  const half = Math.ceil(values.length / 2);
  const facts = {
    max_first_half: Math.max(...values.slice(0, half)),
    max_second_half: Math.max(...values.slice(values.length - half)),
    end: values[values.length - 1],
  };
  const note = `${RATE / 1e3} k ticks/s, ${soakMinutes} minutes`;
  for (const [when, value] of Object.entries(facts)) {
    report({ name: `${name}_${what}_${when}_mib`, value, unit: 'MiB', count: steady.length, note });
  }
}
