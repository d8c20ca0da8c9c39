/** `npm run test:soak`: the same tests with many more rounds. */
export const isSoak = process.env.HANDCAR_SOAK === '1'
