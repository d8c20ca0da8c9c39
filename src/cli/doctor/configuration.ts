import { HandcarError } from '../../core/index.ts'
import { error, ok, type Check } from './finding.ts'

/** Whether the app's configuration can be used. */
export const configuration: Check = {
  name: 'configuration',
  async run({ problem, configurationFile, environmentName, folder }) {
    if (problem !== undefined) {
      return [
        error({
          what: problem.message,
          why: 'The app does not start. What follows was looked at with the defaults.',
          fix: problem instanceof HandcarError ? problem.fix : 'Correct the configuration.',
        }),
      ]
    }
    return [
      ok(`${configurationFile ?? `no handcar.config.ts in ${folder}: the defaults`}, for ${environmentName}`),
    ]
  },
}
