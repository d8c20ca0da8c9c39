import { HandcarError, nearestName, OptionsError } from '../../core/index.ts'
import { BatchMember, Member, type AnyMember, type IfNeedsFail, type JobMember, type Need } from './member.ts'

/** One thing that a job waits for. */
export interface Edge {
  readonly job: JobMember
  /** A member of the plan, or a job that is enqueued already. */
  readonly need: AnyMember | { readonly id: number }
  readonly ifNeedsFail: IfNeedsFail
}

/** The jobs of a plan, each after what it waits for, and what each waits for. */
export interface OrderedPlan {
  readonly jobs: readonly JobMember[]
  readonly edges: readonly Edge[]
}

/**
 * Finds out what each job of a plan waits for. A job in a batch waits for what the batch waits for, too; who waits for a batch
 * also waits for what that waits for, because a batch without jobs ends at once.
 *
 * @throws OptionsError `HANDCAR_OPTION_INVALID` for a name that nobody has
 * @throws HandcarError `HANDCAR_WORKFLOW_CYCLE`
 */
export function orderPlan(root: BatchMember): OrderedPlan {
  const batches = [...batchesOf(root)]
  const jobs = batches.flatMap((batch) => batch.jobs)
  if ([...batches, ...jobs].every((member) => member.waiting.needs.length === 0)) return { jobs, edges: [] }
  const ordered = inOrder(root)
  const edges: Edge[] = []
  for (const job of ordered) {
    const found = new Map<Edge['need'], Edge>()
    for (let member: AnyMember | undefined = job; member !== undefined; member = member.parent) {
      for (const need of needsOf(member)) addEdge(found, job, need, member.waiting.ifNeedsFail)
    }
    for (const edge of found.values()) edges.push(edge)
  }
  return { jobs: ordered, edges }
}

/** All batches of a plan, each before those nested in it. */
export function* batchesOf(batch: BatchMember): Generator<BatchMember> {
  yield batch
  for (const nested of batch.batches) yield* batchesOf(nested)
}

function addEdge(
  found: Map<Edge['need'], Edge>,
  job: JobMember,
  need: Edge['need'],
  ifNeedsFail: IfNeedsFail,
): void {
  if (found.has(need)) return
  found.set(need, { job, need, ifNeedsFail })
  if (need instanceof BatchMember) {
    for (const further of needsOf(need)) addEdge(found, job, further, ifNeedsFail)
  }
}

function needsOf(member: AnyMember): Edge['need'][] {
  return member.waiting.needs.map((need) => resolve(member, need))
}

function resolve({ parent }: AnyMember, need: Need): Edge['need'] {
  if (typeof need !== 'string') return need as Edge['need']
  for (let batch = parent; batch !== undefined; batch = batch.parent) {
    const named = batch.byName.get(need)
    if (named !== undefined) return named
  }
  const nearest = nearestName(need, [...(parent?.byName.keys() ?? [])])
  throw new OptionsError('HANDCAR_OPTION_INVALID', `dependsOn: there is no member "${need}"`, {
    ...(nearest !== undefined && { fix: `Did you mean "${nearest}"?` }),
  })
}

/** Goes down from each member to what has to end before it: what it waits for, and what is in it. */
function inOrder(root: BatchMember): JobMember[] {
  const jobs: JobMember[] = []
  const done = new Set<AnyMember>()
  const path: { member: AnyMember; before: AnyMember[] }[] = [{ member: root, before: endsAfter(root) }]
  const onPath = new Set<AnyMember>([root])
  while (path.length > 0) {
    const { member, before } = path.at(-1)!
    const next = before.pop()
    if (next === undefined) {
      path.pop()
      onPath.delete(member)
      done.add(member)
      if (member.kind === 'job' && isIn(root, member)) jobs.push(member)
      continue
    }
    if (onPath.has(next)) {
      const members = path.map((step) => step.member)
      throw cycle([...members.slice(members.indexOf(next)), next])
    }
    if (done.has(next)) continue
    onPath.add(next)
    path.push({ member: next, before: endsAfter(next) })
  }
  return jobs
}

/** Members of another plan may be waited for. */
function isIn(root: BatchMember, { parent }: JobMember): boolean {
  for (let batch = parent; batch !== undefined; batch = batch.parent) if (batch === root) return true
  return false
}

/** The last one is looked at first. */
function endsAfter(member: AnyMember): AnyMember[] {
  const before: AnyMember[] = member instanceof BatchMember ? [...member.jobs, ...member.batches] : []
  for (let waiting: AnyMember | undefined = member; waiting !== undefined; waiting = waiting.parent) {
    for (const need of needsOf(waiting)) if (need instanceof Member) before.push(need)
  }
  return before.toReversed()
}

function cycle(members: readonly AnyMember[]): HandcarError {
  const names = members.map((member) => member.name ?? `a ${member.kind} without a name`)
  return new HandcarError(
    'HANDCAR_WORKFLOW_CYCLE',
    `The workflow has a cycle: ${names.join(' needs ')}; none of them could ever run`,
    { details: { cycle: names } },
  )
}
