export * from './tcp-fault-proxy.ts';
