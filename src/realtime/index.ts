export {
  type AuthorizeContext,
  type ChannelContext,
  type ChannelOptions,
  type ChannelRetention,
  type ClientMessageContext,
  type SubscriptionContext,
} from './channels/channel-options.ts'
export {
  type ChannelTypes,
  type MessageDeclaration,
  type RealtimeUser,
  type SendDeclaration,
  unchecked,
} from './channels/channel-types.ts'
export { type AnyChannelDefinition, ChannelDefinition, defineChannel } from './channels/define-channel.ts'
export type { EphemeralMessage, Position, StoredMessage } from './log/message.ts'
export type { FeedStats } from './log/feed.ts'
