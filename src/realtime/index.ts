export { Channel, type HistoryMessage, type HistoryOptions, type Published } from './channel.ts'
export type {
  AuthorizeContext,
  ChannelContext,
  ChannelOptions,
  ChannelRetention,
  ClientMessageContext,
  PublishHere,
  SubscriptionContext,
  TypesOf,
} from './channels/channel-options.ts'
export {
  unchecked,
  type ChannelTypes,
  type MatchedParametersOf,
  type MessageDeclaration,
  type MessagesOf,
  type ParametersOf,
  type RealtimeUser,
  type SendDeclaration,
  type SendsOf,
} from './channels/channel-types.ts'
export {
  ChannelDefinition,
  defineChannel,
  type AnyChannelDefinition,
  type MessageDefinition,
  type SendDefinition,
} from './channels/define-channel.ts'
export { fragment, type Fragment } from './channels/fragment.ts'
export type { ConnectionsStats } from './connections/connections-stats.ts'
export type { LimitOptions } from './connections/limits.ts'
export type { Authenticate } from './connections/needs.ts'
export type {
  ConnectMessage,
  DeliverMessage,
  DisconnectMessage,
  EpochMessage,
  ErrorMessage,
  GapMessage,
  PublishMessage,
  SubscribeMessage,
  TrimMessage,
} from './events.ts'
export {
  RealtimeInspector,
  type ChannelsPage,
  type ChannelSummary,
  type LogTotals,
  type PresentEntry,
} from './inspect/realtime-inspector.ts'
export type { FeedStats } from './log/feed.ts'
export type { EphemeralMessage, Position, StoredMessage } from './log/message.ts'
export type { TrimmerStats } from './log/trimmer.ts'
export { resolveRealtimeSettings, type RealtimeOptions, type RealtimeSettings } from './options.ts'
export type { PresenceStats } from './presence/presence.ts'
export type { ClientMessage, PositionText, PresenceEntry, ServerMessage } from './protocol.ts'
export { publishMessage } from './publish-message.ts'
export { Realtime, type Definitions, type DisconnectOptions, type ReauthorizeOptions } from './realtime.ts'
export type { RelayStats } from './relay/relay.ts'
export type { RealtimeHere, RealtimeStats } from './stats.ts'
export {
  openVirtualConnection,
  type VirtualConnection,
  type VirtualConnectionOptions,
} from './virtual-connection.ts'
