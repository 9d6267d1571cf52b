/** Real servers for a person: `npm run services up|down|status|env`. */
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './cache/lock.ts';
import { servicesCommand, servicesHelp, UsageError } from './command-line.ts';
import { k2Settings, shellExports } from './k2-settings.ts';
import { testbedDirectory, upDirectory, upServicesFile, workspaceRoot } from './places.ts';
import { progressOn } from './progress.ts';
import type { TestbedServiceName } from './service-names.ts';
import { statusOf, statusTable } from './status.ts';
import { openTestbed, type Testbed } from './testbed.ts';

const progress = progressOn();

try {
  const asked = servicesCommand(process.argv.slice(2));
  if (asked.command === 'help') process.stdout.write(servicesHelp);
  else if (asked.command === 'status') await status(asked.json);
  else if (asked.command === 'env') await env();
  else await alone(() => (asked.command === 'up' ? up(asked.names) : down()));
} catch (error) {
  progress.say((error as Error).message);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

async function up(names: readonly TestbedServiceName[]): Promise<void> {
  mkdirSync(upDirectory, { recursive: true });
  const bed = await openTestbed(upDirectory, { progress });
  undoWhenInterrupted(bed);
  progress.update(`starting ${names.join(', ')}`);
  try {
    await bed.start(names);
  } finally {
    publish(bed);
  }
  const statuses = await statusOf(bed);
  progress.say(`running until "npm run services down"; specs find them in ${upServicesFile}`);
  process.stdout.write(statusTable(statuses, workspaceRoot));
}

async function down(): Promise<void> {
  const bed = await openTestbed(upDirectory);
  const names = bed.services.map(({ name }) => name);
  rmSync(upServicesFile, { force: true });
  await bed.stop();
  progress.say(names.length === 0 ? 'nothing was up' : `stopped and deleted: ${names.join(', ')}`);
}

async function status(json: boolean): Promise<void> {
  const statuses = await statusOf(await openTestbed(upDirectory));
  if (json) process.stdout.write(`${JSON.stringify(statuses, null, 2)}\n`);
  else if (statuses.length === 0) progress.say('nothing is up: "npm run services up" starts the servers');
  else process.stdout.write(statusTable(statuses, workspaceRoot));
  if (statuses.some(({ state }) => state !== 'answers')) process.exitCode = 1;
}

async function env(): Promise<void> {
  const { endpoints } = await openTestbed(upDirectory);
  if (Object.keys(endpoints).length === 0) throw new Error('nothing is up: "npm run services up" starts the servers');
  process.stdout.write(shellExports(k2Settings(endpoints)));
}

/** Two at once would start everything twice. */
async function alone(work: () => Promise<void>): Promise<void> {
  mkdirSync(testbedDirectory, { recursive: true });
  await withLock(join(testbedDirectory, 'up.lock'), work, () => {
    progress.update('waiting for another "services up" or "services down" to end');
    return false;
  });
}

function publish(bed: Testbed): void {
  if (!existsSync(bed.servicesFile)) return;
  const next = `${upServicesFile}.next`;
  copyFileSync(bed.servicesFile, next);
  renameSync(next, upServicesFile);
}

/** Ctrl-C takes back what this call began, and leaves what ran before. */
function undoWhenInterrupted(bed: Testbed): void {
  const before = new Set(bed.services);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      const begun = bed.services.filter((service) => !before.has(service));
      void Promise.allSettled(begun.map((service) => bed.discard(service))).then(() => {
        rmSync(join(testbedDirectory, 'up.lock'), { force: true });
        progress.say('interrupted: what was started for this call is stopped');
        process.exit(130);
      });
    });
  }
}
