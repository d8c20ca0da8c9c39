import { Coordinator, type CoordinatorOptions } from 'handcar/database'

/** A coordinator in a process of its own, as in the primary of a cluster. Writes a line when it runs. */

const coordinator = new Coordinator(JSON.parse(process.argv[2]!) as CoordinatorOptions)
process.stdin
  .on('end', () => {
    void coordinator.stop()
  })
  .resume()
await coordinator.start()
process.stdout.write('started\n')
