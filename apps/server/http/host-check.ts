const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/**
 * The host that a request was addressed to, in lower case and without its port; null where it names none, as HTTP/1.0
 * may: browsers always do. An absolute URL counts before the Host header (RFC 9112, 3.2.2).
 */
export function requestedHost(url: string, hostHeader: string | undefined): string | null {
  const authority = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1] ?? hostHeader;
  return authority === undefined ? null : authority.toLowerCase().replace(/:\d{0,5}$/, '');
}

export interface ServedHosts {
  /** Address that the server listens on. */
  readonly host: string;
  /** Further names that it answers to. */
  readonly allowedHosts: readonly string[];
}

/**
 * Whether a request may have come from a web page whose name was pointed at this machine (DNS rebinding). A server on
 * loopback answers to its address, to the names of loopback and to those it was told of. One that listens on the
 * network is called by names that K2 cannot know: once it was told of some it answers to these alone, and to addresses,
 * which no page can be rebound by.
 */
export function isForbiddenHost(requested: string | null, { host, allowedHosts }: ServedHosts): boolean {
  if (requested === null) return false;
  const listening = bracketed(host);
  if (LOOPBACK.includes(requested) || requested === listening || allowedHosts.includes(requested)) return false;
  if (isLoopback(host)) return true;
  return allowedHosts.length > 0 && !isAddress(requested);
}

/** Whether a server that listens on this address is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.includes(bracketed(host)) || host.startsWith('127.');
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function isAddress(name: string): boolean {
  return /^(?:\d{1,3}\.){3}\d{1,3}$|^\[[\da-f:.]+\]$/.test(name);
}
