/** A message as the log has it: a row of the app's file. */
export interface StoredMessage {
  /** Its place in the log: one writer commits at a time, so the order of offsets is the order of commits. */
  readonly offset: number
  /** Name of the channel: `room/1`. */
  readonly channel: string
  readonly type: string
  /** JSON, as it goes over the wire. */
  readonly data: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** A message that never touches the disk: it reaches who is connected now, at most once. */
export interface EphemeralMessage {
  readonly channel: string
  readonly type: string
  /** JSON. */
  readonly data: string
}

/**
 * A place in the log: everything up to and with `offset` was seen. The `epoch` is another one after the log has gone back, as it does
 * when an older backup is restored: then offsets of before mean nothing.
 */
export interface Position {
  readonly epoch: string
  readonly offset: number
}

/** Who is meant by a control message: everybody whom all fields that are there fit. */
export interface ControlTarget {
  readonly channel?: string
  /** Id of the user. */
  readonly user?: string
}

/**
 * What the messages of {@link controlChannel} say, by their type. They stand in the log, so that every process obeys them between the
 * messages before and after them: nothing that was committed after the loss of a right reaches who has lost it.
 */
export interface ControlMessages {
  /** Ask `authorize` again. */
  readonly reauthorize: ControlTarget
  /** End the subscriptions, or, without a channel, the connections. */
  readonly disconnect: ControlTarget & { readonly reason: string }
}

/** The channel of the control messages; nobody can subscribe to it, nor define one with a name that begins with `handcar.`. */
export const controlChannel = 'handcar.control'
