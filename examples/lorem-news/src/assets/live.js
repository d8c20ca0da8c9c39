/*
 * Pages that go on while they are open. A page says which channel it listens to, and from which position of the log: everything after it
 * arrives here once and in order, whatever happens to the network or the server, or else onGap says that something is missing.
 * Without this script everything works, and shows what is new when the page is read anew.
 */
import { applyFragments, connect } from './realtime/client.js'

const { live: channel, position, user } = document.querySelector('[data-live]').dataset
const notice = document.querySelector('#notice')

/** Tabs of one browser are one reader, where it may remember something. */
let reader
try {
  reader = localStorage.reader ??= Math.random().toString(36).slice(2)
} catch {
  reader = undefined
}

const realtime = connect()
const live = realtime.channel(channel, {}, { from: position, presence: { reader } })

// One message is what one transaction has changed: a comment, and the counts that it makes.
applyFragments(
  { on: (_, apply) => live.on('changes', (changes) => changes.forEach(apply)) },
  { applied: complete },
)

let readers = 0
live.onPresence(({ present }) => {
  readers = new Set(present.map(({ connection, metadata }) => metadata?.reader ?? connection)).size
  complete()
})

/** Makes right for this page what is sent to everybody alike: buttons are for their owners alone. */
function complete() {
  for (const each of document.querySelectorAll(`[data-owner]:not([data-owner="${user}"])`)) each.remove()
  const reading = document.querySelector('#reading')
  if (reading && readers > 0) reading.textContent = `${readers} reading`
}

/* When the connection is lost, and when it is back */

let silence

/** Says something for some milliseconds, or until something else is said. */
function say(text, milliseconds) {
  clearTimeout(silence)
  notice.textContent = text
  if (milliseconds) silence = setTimeout(() => (notice.textContent = ''), milliseconds)
}

// A release takes less than two seconds.
let loss
realtime.onState((state) => {
  if (state === 'waiting')
    loss ??= setTimeout(
      () => say('The connection is lost. What others write will appear when it is back.'),
      2_000,
    )
  else if (state !== 'connecting') loss = clearTimeout(loss)
})

let hasBegun = false
live.onSubscribed(({ recovered }) => {
  if (!hasBegun) say('')
  else if (recovered) say('Connected again: nothing was missed.', 8_000)
  hasBegun = true
})

live.onEnd(() => say('This page shows nothing new any more. Reload it to see more.'))

// What was typed is worth more than what is new. And a page that is too old as soon as it was reloaded would be so again.
live.onGap(() => {
  const isTyping = [...document.querySelectorAll('textarea')].some(({ value }) => value !== '')
  const wasReloaded = performance.getEntriesByType('navigation')[0]?.type === 'reload'
  if (isTyping || (wasReloaded && !hasBegun))
    say('More has happened than could be kept for this page. Reload it to see everything.')
  else location.reload()
})

/* A vote goes over the same connection: it waits for one, and is counted once, however often it has to be sent. */

const vote = document.querySelector('#vote')
const button = vote?.querySelector('button')

async function sendVote() {
  if (button.ariaBusy) return
  button.ariaBusy = 'true'
  try {
    const { isFor } = await live.send('vote', { isFor: vote.elements.is_for.value === '1' })
    button.ariaPressed = String(isFor)
    vote.elements.is_for.value = isFor ? '0' : '1'
  } catch {
    vote.submit()
  }
  button.ariaBusy = null
}

vote?.addEventListener('submit', (event) => {
  event.preventDefault()
  void sendVote()
})

/* `just now` does not stay true */

const units = { year: 31_557_600, month: 2_629_800, week: 604_800, day: 86_400, hour: 3_600, minute: 60 }
const words = new Intl.RelativeTimeFormat('en')

setInterval(() => {
  for (const time of document.querySelectorAll('time')) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1_000
    const [unit, length] = Object.entries(units).find(([, each]) => seconds >= each) ?? []
    const age = unit ? words.format(-Math.floor(seconds / length), unit) : 'just now'
    if (time.textContent !== age) time.textContent = age
  }
}, 20_000)
