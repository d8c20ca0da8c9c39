/** One number of a page of metrics. */
export interface Metric {
  name: string
  labels: Readonly<Record<string, string>>
  value: number
}

/** Reads the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). Lines it does not know are left out. */
export function parseMetrics(page: string): Metric[] {
  return page.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
    return name === undefined ? [] : [{ name, labels: parseLabels(labels), value: Number(value) }]
  })
}

function parseLabels(text: string): Record<string, string> {
  const found = [...text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)]
  return Object.fromEntries(found.map(([, name, value]) => [name!, unescape(value!)]))
}

const unescape = (text: string): string =>
  text.replaceAll(/\\(.)/g, (_all, character: string) => (character === 'n' ? '\n' : character))
