export { createAdapter, type SocketIoAdapterOptions } from './create-adapter.ts'
export type { AdapterClass, LocalAdapter } from './socket-io-types.ts'
