import { parsePosition, type PositionText } from '../protocol.ts'

/** The lowest of some positions; `undefined` without any. Which epoch they are of does not matter: another one is a gap anyway. */
export function lowest(positions: readonly (PositionText | undefined)[]): PositionText | undefined {
  const offset = (position: PositionText): number => parsePosition(position)!.offset
  return positions.filter((each) => each !== undefined).sort((a, b) => offset(a) - offset(b))[0]
}
