import { createLogger } from './logger.ts'
import { runSupervisor, type RunOptions } from './serve.ts'

/** Takes over from the supervisor that started this process, and runs the app until it is told to stop. */
export async function succeed(): Promise<void> {
  const { folder, options } = JSON.parse(process.argv[2]!) as { folder: string; options: RunOptions }
  try {
    const { stopped } = await runSupervisor(folder, { ...options, isSuccessor: true })
    await stopped
    process.exit(0)
  } catch (error) {
    // The supervisor before goes on; it may not have been told why.
    createLogger({ process: 'supervisor' }).error({ error }, 'This supervisor could not take over')
    process.exit(1)
  }
}
