import { PortError } from '@k2/ports';

/** Stands where a process has no use of a port: whatever is asked of it is refused with the reason. */
export function absentPort<Port extends object>(port: string, reason: string): Port {
  const refuse = () => Promise.reject(new PortError('unavailable', `this process has no ${port}: ${reason}`, { port }));
  // `then` has to be absent, or whoever awaits the port would wait for it.
  return new Proxy({} as Port, { get: (_, key) => (key === 'then' ? undefined : refuse) });
}
