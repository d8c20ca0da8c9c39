import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { promisify } from 'node:util'

/**
 * Passwords are kept as scrypt digests: `$scrypt$ln=14,r=8,p=5$<salt>$<hash>`, the cost that OWASP asks for at 16 MB of
 * memory. The cost stands in the digest, so that it can be raised later without locking anybody out.
 */
const cost = { logarithmOfN: 14, r: 8, p: 5 }
const format = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/
const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

/** Hashes a password, with a random salt unless one is given. */
export async function hashPassword(password: string, salt: Buffer = randomBytes(16)): Promise<string> {
  const { logarithmOfN, r, p } = cost
  const hash = await inTurn(() => derive(password, salt, 32, { N: 2 ** logarithmOfN, r, p }))
  return `$scrypt$ln=${logarithmOfN},r=${r},p=${p}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** Whether a password belongs to a digest. Without a digest the answer is no, after the same time. */
export async function isPassword(password: string, digest = nobodysDigest): Promise<boolean> {
  const [, logarithmOfN, r, p, salt, hash] = format.exec(digest) ?? []
  if (!salt || !hash) throw new Error('A password digest in the database is not one of ours.')
  const options = { N: 2 ** Number(logarithmOfN), r: Number(r), p: Number(p) }
  const expected = Buffer.from(hash, 'base64')
  const actual = await inTurn(() => derive(password, Buffer.from(salt, 'base64'), expected.length, options))
  return timingSafeEqual(actual, expected) && digest !== nobodysDigest
}

const nobodysDigest = `$scrypt$ln=14,r=8,p=5$${Buffer.alloc(16).toString('base64')}$${Buffer.alloc(32).toString('base64')}`

let last: Promise<unknown> = Promise.resolve()

/**
 * One hash at a time in each process. Node hashes on the thread pool, which also waits for the disk on behalf of every
 * write: a burst of sign-ins must not occupy all of its four threads.
 */
function inTurn(hash: () => Promise<Buffer>): Promise<Buffer> {
  const result = last.then(hash)
  last = result.catch(() => {})
  return result
}
