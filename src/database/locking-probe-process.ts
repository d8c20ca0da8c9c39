import { isBusy, openDriver } from './driver.ts'

/** The second process of `locking-probe.ts`: tries to write while the first one does, then looks at what that one wrote. */
const driver = openDriver(process.argv[2]!, { readonly: false, mustExist: true })
driver.exec('pragma busy_timeout = 0')

process.on('disconnect', () => process.exit())
process.once('message', () => process.send!(seesCommit() ? 'seen' : 'not seen'))
process.send!(tryToWrite())

function tryToWrite(): string {
  try {
    driver.exec('begin immediate; rollback')
    return 'written'
  } catch (error) {
    return isBusy(error) ? 'busy' : String(error)
  }
}

function seesCommit(): boolean {
  return driver.prepare('select 1 from probe').get([]) !== undefined
}
