import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What may be asked of a bucket, as AWS names it in policies. */
export type S3Action =
  | 's3:AbortMultipartUpload'
  | 's3:DeleteObject'
  | 's3:GetBucketLocation'
  | 's3:GetObject'
  | 's3:ListBucket'
  | 's3:ListMultipartUploadParts'
  | 's3:PutObject'
  | 's3:other'

/** A policy of AWS: lists of what is allowed where. */
export interface S3Policy {
  Statement: { Effect: string; Action: string[]; Resource: string }[]
}

/** A request that has come, and whether it was let through. */
export interface S3Request {
  readonly action: S3Action
  /** The bucket, or the bucket and the key: what a policy calls the resource, without its beginning. */
  readonly resource: string
  readonly isAllowed: boolean
}

/** Stands before an S3 server, keeps a record of what is asked of it, and answers 403 to what its policy does not allow. */
export class S3PolicyProxy implements AsyncDisposable {
  readonly requests: S3Request[] = []
  /** Without one everything is allowed. */
  policy: S3Policy | undefined
  readonly #server: Server

  /** @param endpoint The address of the server behind it. */
  constructor(endpoint: string) {
    const { hostname, port } = new URL(endpoint)
    this.#server = createServer((incoming, answer) => {
      void this.#handle(incoming, answer, { hostname, port }).catch(() => answer.destroy())
    })
  }

  /** Resolves with its address. */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** How often each action was asked for. */
  get counts(): Partial<Record<S3Action, number>> {
    const counts: Partial<Record<S3Action, number>> = {}
    for (const { action } of this.requests) counts[action] = (counts[action] ?? 0) + 1
    return counts
  }

  async #handle(
    incoming: IncomingMessage,
    answer: ServerResponse,
    server: { hostname: string; port: string },
  ): Promise<void> {
    const asked = actionOf(incoming)
    const { method, url: path, headers } = incoming
    // Several objects can be deleted at once; then their names are in the body.
    const body = asked.action === 's3:DeleteObject' && method === 'POST' ? await text(incoming) : undefined
    const keys = [...(body ?? '').matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key]) => `${asked.resource}/${key}`)
    const resources = keys.length > 0 ? keys : [asked.resource]
    const { policy } = this
    const isAllowed =
      policy === undefined || resources.every((resource) => allows(policy, asked.action, resource))
    this.requests.push({ action: asked.action, resource: resources[0]!, isAllowed })
    if (!isAllowed) {
      incoming.resume()
      const said = '<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
      answer.writeHead(403, { 'content-type': 'application/xml' }).end(said)
      return
    }
    // The signature covers the host that the client asked for, so all headers stay.
    const outgoing = request({ ...server, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode!, response.headers)
      response.pipe(answer)
    })
    outgoing.on('error', () => answer.destroy())
    answer.on('close', () => outgoing.destroy())
    if (body === undefined) incoming.pipe(outgoing)
    else outgoing.end(body)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** Which action a request needs (https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html). */
function actionOf({ method, url }: IncomingMessage): Pick<S3Request, 'action' | 'resource'> {
  const { pathname, searchParams } = new URL(url!, 'http://bucket')
  const resource = decodeURIComponent(pathname).replace(/^\/|\/$/g, '')
  const asksFor = (name: string) => searchParams.has(name)
  if (!resource.includes('/')) {
    if (method === 'GET' && asksFor('location')) return { action: 's3:GetBucketLocation', resource }
    if (method === 'POST' && asksFor('delete')) return { action: 's3:DeleteObject', resource }
    const isListing = method === 'GET' || method === 'HEAD'
    return { action: isListing ? 's3:ListBucket' : 's3:other', resource }
  }
  if (method === 'PUT' || method === 'POST') return { action: 's3:PutObject', resource }
  const isPart = asksFor('uploadId')
  if (method === 'DELETE') return { action: isPart ? 's3:AbortMultipartUpload' : 's3:DeleteObject', resource }
  return { action: isPart ? 's3:ListMultipartUploadParts' : 's3:GetObject', resource }
}

function allows({ Statement }: S3Policy, action: S3Action, resource: string): boolean {
  return Statement.some(
    ({ Effect, Action, Resource }) =>
      Effect === 'Allow' &&
      Action.includes(action) &&
      matches(Resource.replace('arn:aws:s3:::', ''), resource),
  )
}

/** A resource of a policy may end with a star. */
function matches(pattern: string, resource: string): boolean {
  return pattern.endsWith('*') ? resource.startsWith(pattern.slice(0, -1)) : pattern === resource
}
