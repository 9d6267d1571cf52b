import { join } from 'node:path';

export const workspaceRoot = join(import.meta.dirname, '../..');

/** Of everything the testbed leaves in the checkout; `K2_TESTBED_DIR` is for those who want a second one. */
export const testbedDirectory = process.env['K2_TESTBED_DIR'] || join(workspaceRoot, 'tmp', 'testbed');

/** Data and logs of what `npm run services up` started. */
export const upDirectory = join(testbedDirectory, 'up');

/** Where specs look when nobody tells them another place. */
export const upServicesFile = join(testbedDirectory, 'services.json');
