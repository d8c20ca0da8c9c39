interface Fetches {
  request(path: string, init?: RequestInit): Response | Promise<Response>
}

/** A browser without a window: it keeps cookies and says where its requests come from. */
export class Visitor {
  readonly #app: Fetches
  readonly #cookies = new Map<string, string>()

  constructor(app: Fetches) {
    this.#app = app
  }

  /** The cookies that would be sent. */
  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  get(path: string): Promise<Response> {
    return this.#send(path, { method: 'GET' })
  }

  /** The text of a page. */
  async read(path: string): Promise<string> {
    return (await this.get(path)).text()
  }

  /** Sends a form; `_method` among the fields overrides the method, as in the app's own forms. */
  post(path: string, fields: Record<string, string> = {}): Promise<Response> {
    return this.#send(path, { method: 'POST', body: new URLSearchParams(fields) })
  }

  patch(path: string, fields: Record<string, string>): Promise<Response> {
    return this.post(path, { _method: 'PATCH', ...fields })
  }

  delete(path: string): Promise<Response> {
    return this.post(path, { _method: 'DELETE' })
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const headers = {
      cookie: this.cookie,
      'sec-fetch-site': 'same-origin',
      'user-agent': 'Firefox/150 Linux',
    }
    const response = await this.#app.request(path, { ...init, headers })
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split('; ')
      const [name, value] = pair!.split('=', 2)
      if (attributes.includes('Max-Age=0')) this.#cookies.delete(name!)
      else this.#cookies.set(name!, value!)
    }
    return response
  }
}

/** The id at the end of a redirect to a post. */
export function postIdOf(response: Response): number {
  const id = /^\/posts\/(\d+)/.exec(response.headers.get('location') ?? '')?.[1]
  if (!id) throw new Error(`Not a redirect to a post: ${response.status} ${response.headers.get('location')}`)
  return Number(id)
}

/** The id of a comment in the redirect after it was written. */
export function commentIdOf(response: Response): number {
  const id = /#comment_(\d+)$/.exec(response.headers.get('location') ?? '')?.[1]
  if (!id)
    throw new Error(`Not a redirect to a comment: ${response.status} ${response.headers.get('location')}`)
  return Number(id)
}
