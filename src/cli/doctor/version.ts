/** Compares versions such as `24.12` and `v24.21.0`: negative when the first is older. Missing numbers count as 0. */
export function compareVersions(left: string, right: string): number {
  const [first, second] = [numbersOf(left), numbersOf(right)]
  const differing = first.findIndex((number, index) => number !== second[index])
  return differing === -1 ? 0 : first[differing]! - second[differing]!
}

/** The first version in a text, such as the answer of `--version`. */
export function versionIn(text: string): string | undefined {
  return /\d+\.\d+(?:\.\d+)?/.exec(text)?.[0]
}

function numbersOf(version: string): number[] {
  const numbers = (versionIn(`${version}.0`) ?? '').split('.').map(Number)
  return [0, 1, 2].map((index) => numbers[index] ?? 0)
}
