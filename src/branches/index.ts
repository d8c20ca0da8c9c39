export { Branches } from './branches.ts'
export { readCheckout } from './git.ts'
export type { MergePlan } from './merge-plan.ts'
export { placeOf, type BranchPlace } from './place.ts'
