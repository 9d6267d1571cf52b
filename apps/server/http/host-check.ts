const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Whether a request to a server on loopback was addressed to another name: a web page whose name was pointed at this
 * machine (DNS rebinding). Servers that listen on the network are addressed by names we don't know.
 */
export function isForbiddenHost(hostHeader: string | undefined, listeningHost: string): boolean {
  const listening =
    listeningHost.includes(':') && !listeningHost.startsWith('[') ? `[${listeningHost}]` : listeningHost;
  if (!LOOPBACK.includes(listening) && !listening.startsWith('127.')) return false;
  const name = (hostHeader ?? '').toLowerCase().replace(/:\d{1,5}$/, '');
  return !LOOPBACK.includes(name) && name !== listening;
}
