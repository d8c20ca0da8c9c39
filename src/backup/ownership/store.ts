/** A place for one small text beside a replica. */
export interface OwnerStore {
  /**
   * Resolves with the text; `undefined` when there is none.
   *
   * @param signal Breaks it off.
   * @throws {@link StoreDenied} when it may not be read; anything else when the place cannot be reached
   */
  read(signal: AbortSignal): Promise<string | undefined>
  /** Replaces the text. */
  write(text: string, signal: AbortSignal): Promise<void>
}

/** The place can be reached, but this text may not be read or written: keys that only write, or no keys that we know how to use. */
export class StoreDenied extends Error {}

/** What the text is called, in the folder of the replica. */
export const ownerName = 'handcar-owner.json'

/** How long an answer may take, in milliseconds. */
export const storeTimeout = 15_000
