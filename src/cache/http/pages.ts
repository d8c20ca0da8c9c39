import { OptionsError } from '../../core/index.ts'
import type { Cache } from '../cache.ts'
import type { Namespace } from '../namespace.ts'
import type { FactoryContext } from '../single-flight/factory.ts'
import { mayBeAnswered, mayBeKept, tagsOf, varyOf } from './may-be-kept.ts'
import { packPage, pageOf, unpackPage, type Page } from './page.ts'
import { isFor, pageKey, varyValues } from './page-key.ts'
import type { PageSettings } from './page-options.ts'
import { readBody } from './read-body.ts'

/** What a request is answered with: a page from the cache, one that was made for it, or a response that is not kept. */
export type Answer =
  | { readonly page: Page; readonly madeOf: Response | undefined }
  | { readonly response: Response }

/** What a handler has made. */
export interface Made {
  readonly response: Response
  /** What others had said about headers before it ran: it belongs to this answer, and is not kept with the page. */
  readonly before?: Headers
}

/** Makes the page of another request for the same address, which nobody waits for. */
export type Remake = (request: Request) => Promise<Made>

/** Kept instead of a page that may not be: for a moment nobody waits for another one's answer, which would not be for him. */
const pass = new Uint8Array(0)
const passFor = 2_000
/** How often a page may turn out to be elsewhere. */
const mostRounds = 6

/** What is under a key: a page, {@link pass}, or the names of headers, by whose values the pages are told apart. */
type Found = Uint8Array<ArrayBuffer> | string | undefined

/** One request on its way. */
class Attempt {
  readonly request: Request
  readonly url: string
  readonly make: () => Promise<Made>
  /** Its own handler runs, or has run: it cannot run again. */
  hasBegun = false
  /** It has waited for long enough, and makes its page itself. */
  hasGivenUp = false
  own: Answer | undefined
  failed: Response | undefined

  constructor(request: Request, make: () => Promise<Made>) {
    this.request = request
    this.url = request.url
    this.make = () => {
      this.hasBegun = true
      return make()
    }
  }
}

/**
 * Answers requests with pages from the cache, and keeps what handlers make. It is a part of the app, not a proxy before it: what it keeps
 * is valid until its tags are invalidated or its ttl is over, whatever `max-age` tells the browsers.
 *
 * Of all who ask for a page that is not there, one makes it. What may not be given to others goes to him alone, and the others make
 * theirs. The tags are read before the handler begins, so a page that was made of old rows cannot outlive an invalidation.
 */
export class Pages<Subject> {
  readonly #cache: Cache | Namespace
  readonly #settings: PageSettings<Subject>

  constructor(cache: Cache | Namespace, settings: PageSettings<Subject>) {
    this.#cache = cache
    this.#settings = settings
  }

  /**
   * @param make Runs the handler of this request; called once at most.
   * @param remake Runs it for a copy of the request, for a page that is made behind the answer.
   */
  async answer(
    request: Request,
    subject: Subject,
    make: () => Promise<Made>,
    remake: Remake | undefined,
  ): Promise<Answer> {
    const { key, tags } = this.#settings
    if (!mayBeAnswered(request, key !== undefined)) return make()
    const personal = key?.(subject)
    if (key !== undefined && personal === undefined) return make()
    const attempt = new Attempt(request, make)
    const own = tags(subject)
    try {
      const first = pageKey(attempt.url, personal, {})
      let names: readonly string[] = []
      for (let round = 0; round < mostRounds; round++) {
        const where =
          names.length === 0 ? first : pageKey(attempt.url, personal, varyValues(request.headers, names))
        const found =
          request.method === 'HEAD'
            ? await this.#cache.get<Exclude<Found, undefined>>(where)
            : await this.#find(attempt, first, where, names, own, remake)
        if (attempt.own !== undefined) return attempt.own
        if (typeof found === 'string') {
          names = found.split(',')
          continue
        }
        if (found === undefined || found.length === 0) break
        const page = unpackPage(found)
        if (isFor(request.headers, page.vary)) return { page, madeOf: undefined }
        names = []
      }
    } catch (error) {
      if (attempt.own !== undefined) return attempt.own
      if (attempt.failed !== undefined) return { response: attempt.failed }
      // Its handler has thrown, or the tags are none. What others have thrown, and a cache that does not work, is no reason not to answer.
      if (attempt.hasBegun || error instanceof OptionsError) throw error
    }
    return attempt.failed ? { response: attempt.failed } : attempt.make()
  }

  /** The page of a key; `undefined` when it is not to be waited for any longer. */
  #find(
    attempt: Attempt,
    first: string,
    key: string,
    names: readonly string[],
    tags: readonly string[],
    remake: Remake | undefined,
  ): Promise<Found> {
    const { ttl, grace, staleWhileRevalidate, maxWait } = this.#settings
    const options = { tags, grace, staleWhileRevalidate, ...(ttl !== undefined && { ttl }) }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        if (attempt.hasBegun) return
        attempt.hasGivenUp = true
        resolve(undefined)
      }, maxWait)
      this.#cache
        .getOrSet<Found>(key, options, (context) => this.#make(attempt, context, first, names, remake))
        .then(resolve, reject)
        .finally(() => clearTimeout(timer))
    })
  }

  async #make(
    attempt: Attempt,
    context: FactoryContext,
    first: string,
    names: readonly string[],
    remake: Remake | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    if (context.stale !== undefined && remake !== undefined) {
      const made = await remake(unconditional(attempt.request))
      return (await this.#keep(attempt, context, first, names, made)).packed
    }
    if (attempt.hasGivenUp) {
      context.skip()
      return pass
    }
    const made = await attempt.make()
    if (made.response.status >= 500) attempt.failed = made.response
    const { packed, answer } = await this.#keep(attempt, context, first, names, made)
    attempt.own = answer
    return packed
  }

  /** Reads a response and says how it is kept. */
  async #keep(
    attempt: Attempt,
    context: FactoryContext,
    first: string,
    names: readonly string[],
    { response, before }: Made,
  ) {
    // What has failed does not replace what there is.
    if (response.status >= 500) throw new Error(`The handler of ${attempt.url} answered ${response.status}`)
    if (!mayBeKept(response)) {
      if (response.status === 304) context.skip()
      else context.setTtl(passFor)
      return { packed: pass, answer: { response } }
    }
    const read = await readBody(response, this.#settings.maxBody)
    if ('tooLarge' in read) {
      context.setTtl(passFor)
      return { packed: pass, answer: { response: read.tooLarge } }
    }
    context.setTags(...tagsOf(response.headers))
    const vary = varyOf(response.headers)
    const page = pageOf(response, before, varyValues(attempt.request.headers, vary), read.body)
    if (vary.some((name) => !names.includes(name))) {
      // It is in the wrong place. The next one who asks finds there where to look, and where to put it.
      context.skip()
      await this.#cache.set(first, [...new Set([...names, ...vary])].sort().join(','), { ttl: null })
    }
    const packed = packPage(page) as Uint8Array<ArrayBuffer>
    return { packed, answer: { page, madeOf: response } }
  }
}

/** The same request, for the whole page. */
function unconditional({ url, headers }: Request): Request {
  const all = new Headers(headers)
  for (const name of ['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since'])
    all.delete(name)
  return new Request(url, { headers: all })
}
