import { describeFailure } from '../../core/index.ts'
import type { StepAnswer, StepCall } from './remote-steps.ts'
import type { StoredSteps } from './stored-steps.ts'

/** Does what a thread or process asks for with the steps of its job. */
export async function answerCall(
  steps: StoredSteps,
  { call, method, parameters }: StepCall,
): Promise<StepAnswer> {
  try {
    const work = steps[method].bind(steps) as (...parameters: readonly unknown[]) => unknown
    return { type: 'answer', call, value: await work(...parameters) }
  } catch (error) {
    return { type: 'answer', call, failure: describeFailure(error) }
  }
}
