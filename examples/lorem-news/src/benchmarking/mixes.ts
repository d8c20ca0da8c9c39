/** The actions of the talks' benchmark. */
export const actions = [
  'post_create',
  'comment_create',
  'post_destroy',
  'comment_destroy',
  'post_show',
  'posts_index',
  'user_show',
] as const

/** One action of the benchmark. */
export type Action = (typeof actions)[number]

/** How often each action happens; the talks' figures. */
export const mixes: Readonly<Record<string, Readonly<Record<Action, number>>>> = {
  read_heavy: {
    post_create: 0.1,
    comment_create: 0.1,
    post_destroy: 0.02,
    comment_destroy: 0.03,
    post_show: 0.25,
    posts_index: 0.25,
    user_show: 0.25,
  },
  write_heavy: {
    post_create: 0.25,
    comment_create: 0.25,
    post_destroy: 0.05,
    comment_destroy: 0.2,
    post_show: 0.05,
    posts_index: 0.15,
    user_show: 0.05,
  },
  balanced: {
    post_create: 0.17,
    comment_create: 0.17,
    post_destroy: 0.05,
    comment_destroy: 0.11,
    post_show: 0.17,
    posts_index: 0.17,
    user_show: 0.16,
  },
}

/** Chooses an action in proportion to its weight: the largest of random^(1/weight) (Efraimidis and Spirakis, 2006). */
export function pick(mix: Readonly<Record<Action, number>>, random: () => number = Math.random): Action {
  let best: Action = actions[0]
  let highest = -1
  for (const action of actions) {
    const score = random() ** (1 / mix[action])
    if (score > highest) [best, highest] = [action, score]
  }
  return best
}
