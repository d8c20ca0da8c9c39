import { BlockList, isIP } from 'node:net'
import { invalidOption } from '../core/index.ts'

const named: Record<string, readonly string[]> = {
  loopback: ['127.0.0.0/8', '::1'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'],
}

/** Knows which peers are proxies whose `x-forwarded-*` headers are believed. */
export class TrustedProxies {
  readonly #addresses = new BlockList()

  /** @param entries Addresses, CIDR ranges, `'loopback'` or `'private'`, checked before. */
  constructor(entries: readonly string[]) {
    for (const entry of entries.flatMap((each) => named[each] ?? each)) {
      const { address, family, prefix } = parseRange(entry)!
      this.#addresses.addSubnet(address, prefix, family)
    }
  }

  /** Whether an address is one of theirs. */
  includes(address: string): boolean {
    const version = isIP(address)
    return version !== 0 && this.#addresses.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }

  /**
   * Finds the client behind proxies: from the right, the first address of `x-forwarded-for` that is no trusted proxy. What
   * stands left of it was written by the client itself and proves nothing.
   *
   * @param peer Address of the trusted proxy that is connected.
   */
  clientOf(peer: string, forwardedFor: string): string {
    let client = peer
    for (const entry of forwardedFor.split(',').toReversed()) {
      const address = withoutPort(entry.trim())
      if (isIP(address) === 0) break
      client = address
      if (!this.includes(address)) break
    }
    return client
  }
}

/** Reads the option `trustedProxies`. Default: `['loopback']`. */
export function parseTrustedProxies(value: unknown, name: string): TrustedProxies {
  if (value === undefined) return new TrustedProxies(['loopback'])
  const expected = "a list of addresses, CIDR ranges, 'loopback' or 'private'"
  if (!Array.isArray(value)) throw invalidOption(name, expected, value)
  const wrong = (value as unknown[]).findIndex((entry) => !isEntry(entry))
  if (wrong !== -1)
    throw invalidOption(
      `${name}[${wrong}]`,
      "an address, a CIDR range, 'loopback' or 'private'",
      value[wrong],
    )
  return new TrustedProxies(value as string[])
}

/** The address of a peer as it is shown and compared: an IPv4 address that came through an IPv6 socket is IPv4 again. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

function isEntry(entry: unknown): boolean {
  return typeof entry === 'string' && (Object.hasOwn(named, entry) || parseRange(entry) !== undefined)
}

function parseRange(text: string): { address: string; family: 'ipv4' | 'ipv6'; prefix: number } | undefined {
  const [address = '', bits, more] = text.split('/')
  const version = isIP(address)
  if (version === 0 || more !== undefined) return undefined
  const longest = version === 4 ? 32 : 128
  const prefix = bits === undefined ? longest : Number(bits)
  if (bits === '' || !Number.isInteger(prefix) || prefix < 0 || prefix > longest) return undefined
  return { address, family: version === 4 ? 'ipv4' : 'ipv6', prefix }
}

/** Some proxies write `203.0.113.7:51234` or `[2001:db8::7]:51234`. */
function withoutPort(entry: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(entry)
  if (bracketed) return plainAddress(bracketed[1]!)
  return plainAddress(/^[\d.]+:\d+$/.test(entry) ? entry.slice(0, entry.indexOf(':')) : entry)
}
