/** The jobs of the site; handcar finds them here. */
export { dailyDigest, digestMail, digestSummary, everyMorning } from './daily-digest.ts'
export { everyNight, repairCounters } from './repair-counters.ts'
export { welcomeMail } from './welcome-mail.ts'
