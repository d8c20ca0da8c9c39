import { createHash, createHmac } from 'node:crypto'
import type { ResolvedReplica } from '../litestream/replica.ts'
import { ownerName, StoreDenied, storeTimeout, type OwnerStore } from './store.ts'

type S3 = Extract<ResolvedReplica, { type: 's3' }>

interface Keys {
  id: string
  secret: string
  token: string | undefined
}

/**
 * Beside a replica in a bucket: two requests, signed by AWS Signature Version 4
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html). For these two a client library of several megabytes
 * would be too much. The keys are those of Litestream; roles of a machine are not known here.
 */
export class S3Store implements OwnerStore {
  readonly #url: URL
  readonly #region: string
  readonly #keys: Keys | undefined

  constructor(
    { bucket, path, endpoint, region, forcePathStyle }: S3,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`)
    const key = [...path.split('/').filter((part) => part !== ''), ownerName].map(encode).join('/')
    if (!forcePathStyle) url.hostname = `${bucket}.${url.hostname}`
    url.pathname = forcePathStyle ? `/${encode(bucket)}/${key}` : `/${key}`
    this.#url = url
    this.#region = region
    this.#keys = keysIn(environment)
  }

  async read(signal: AbortSignal): Promise<string | undefined> {
    const response = await this.#request('GET', '', signal)
    if (response.status === 404) return undefined
    return await textOf(response)
  }

  async write(text: string, signal: AbortSignal): Promise<void> {
    await textOf(await this.#request('PUT', text, signal))
  }

  async #request(method: 'GET' | 'PUT', body: string, signal: AbortSignal): Promise<Response> {
    if (this.#keys === undefined) throw new StoreDenied('there are no keys for the bucket in the environment')
    return await fetch(this.#url, {
      method,
      headers: sign(method, this.#url, body, { region: this.#region, keys: this.#keys, now: new Date() }),
      ...(method === 'PUT' && { body }),
      signal: AbortSignal.any([AbortSignal.timeout(storeTimeout), signal]),
    }).catch((error: unknown) => {
      const { cause, message } = error as Error
      throw new Error(
        `${this.#url.origin} cannot be reached: ${cause instanceof Error ? cause.message : message}`,
        { cause: error },
      )
    })
  }
}

async function textOf(response: Response): Promise<string> {
  const text = await response.text()
  if (response.ok) return text
  const said = /<Code>(.*?)<\/Code>/.exec(text)?.[1] ?? response.statusText
  if (response.status === 401 || response.status === 403) throw new StoreDenied(`${response.status} ${said}`)
  throw new Error(`The bucket answered ${response.status} ${said}`)
}

function keysIn(environment: Readonly<Record<string, string | undefined>>): Keys | undefined {
  const id = environment['LITESTREAM_ACCESS_KEY_ID'] ?? environment['AWS_ACCESS_KEY_ID']
  const secret = environment['LITESTREAM_SECRET_ACCESS_KEY'] ?? environment['AWS_SECRET_ACCESS_KEY']
  if (!id || !secret) return undefined
  return { id, secret, token: environment['AWS_SESSION_TOKEN'] }
}

/** The headers of a request, among them its signature. */
export function sign(
  method: string,
  url: URL,
  body: string,
  { region, keys, now }: { region: string; keys: Keys; now: Date },
): Record<string, string> {
  const time = now.toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const digest = sha256(body)
  const headers: Record<string, string> = {
    host: url.host,
    'x-amz-content-sha256': digest,
    'x-amz-date': time,
    ...(keys.token !== undefined && { 'x-amz-security-token': keys.token }),
  }
  const names = Object.keys(headers).toSorted()
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('')
  const query = [...url.searchParams]
    .map((pair) => pair.map(encode).join('='))
    .toSorted()
    .join('&')
  const request = [method, url.pathname, query, lines, names.join(';'), digest].join('\n')
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(request)].join('\n')
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${keys.secret}`)
  const signature = hmac(key, text).toString('hex')
  const { host: _host, ...rest } = headers
  const authorization = `AWS4-HMAC-SHA256 Credential=${keys.id}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return { ...rest, authorization }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** As the signature wants it: everything but letters, digits and `-._~`. */
const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
