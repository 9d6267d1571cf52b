/** Each port that a package can offer, as settings call it, with its interface in @k2/ports. */
export const PORTS = {
  log: 'TickLog',
  store: 'TickStore',
  catalog: 'TableCatalog',
  objects: 'ObjectStore',
  engine: 'QueryEngine',
  dedup: 'DedupStore',
};
