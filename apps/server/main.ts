import { setFlagsFromString } from 'node:v8';
import { end, endNow } from './end-process.ts';
import { EXIT } from './exit-codes.ts';
import { StopRequests } from './stop-requests.ts';

// Heard before anything can hang; loading the rest takes a moment already.
const requests = new StopRequests();
void requests.askedAgain.then(() => endNow(EXIT.cutShort));

// Columns are memory outside V8's heap, and hundreds of MB of them pass through each second: by its default V8 goes through
// the whole heap each time some 64 MB have come, whatever the heap is. So it does when heap and columns have grown together.
setFlagsFromString('--external-memory-accounted-in-global-limit');

const { runServer } = await import('./run-server.ts');
const { code, isStuck } = await runServer(process.argv.slice(2), process.env, requests.asked);
if (isStuck) endNow(code);
end(code);
