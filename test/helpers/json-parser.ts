import { EventEmitter } from 'node:events'

/** A parser of packets as an app may bring its own: plain JSON. */
class Encoder {
  encode(packet: unknown): string[] {
    return [JSON.stringify(packet)]
  }
}

class Decoder extends EventEmitter {
  add(text: string): void {
    this.emit('decoded', JSON.parse(text))
  }

  destroy(): void {}
}

export const parser = { Encoder, Decoder }
