/** A count with its noun: `1 comment`, `12 comments`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
