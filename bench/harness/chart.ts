import * as echarts from 'echarts'

/**
 * One diagram of a chart: the same categories for every series. `null` leaves a gap. A `ranking` has one series
 * and lists its categories from top to bottom with their values.
 */
export interface Panel {
  readonly title: string
  readonly kind: 'line' | 'bar' | 'ranking'
  /** What the values are, with their unit: `requests/s`. */
  readonly unit: string
  readonly categories: readonly string[]
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[]
  /** Orders of magnitude instead of a linear axis. Zero and less cannot be shown there and leave a gap. */
  readonly logarithmic?: boolean
}

/** What is drawn of a scenario: panels, two beside each other, that share one legend. */
export interface Chart {
  readonly title: string
  readonly subtitle: string
  readonly panels: readonly Panel[]
}

const width = 1120
const panelHeight = 300
const headHeight = 110
const perLine = 2

// ECharts writes colors as attributes; these stand for the two that a style sheet gives back per color scheme.
const ink = '#010101'
const faint = '#020202'
const others = ['#d1495b', '#e08e45', '#b08ad9', '#4f9dd9', '#c26dbc', '#8a8f98']
const ours = ['#2a9d6f', '#7cc7a5']

/** Draws the chart as an SVG that is readable on a light and on a dark page. */
export function renderChart(chart: Chart): string {
  const lines = Math.ceil(chart.panels.length / perLine)
  const height = headHeight + lines * panelHeight
  const instance = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  instance.setOption(chartOption(chart))
  const svg = instance.renderToSVGString()
  instance.dispose()
  return themed(svg)
}

function chartOption(chart: Chart): echarts.EChartsOption {
  const compared = chart.panels.filter((panel) => panel.kind !== 'ranking')
  const names = [...new Set(compared.flatMap((panel) => panel.series.map((series) => series.name)))]
  return {
    animation: false,
    title: [
      { text: chart.title, subtext: chart.subtitle, left: 20, top: 12, ...titleStyle(18) },
      ...chart.panels.map((panel, index) => ({
        text: `${panel.title} – ${panel.unit}`,
        ...titleStyle(13),
        left: left(index),
        top: top(index),
      })),
    ],
    legend: { top: 72, left: 14, data: names, textStyle: { color: ink }, itemGap: 18 },
    grid: chart.panels.map((panel, index) => {
      const labels = panel.kind === 'ranking' ? 190 : 56
      return {
        left: left(index) + labels,
        top: top(index) + 34,
        width: width / perLine - labels - 54,
        height: panelHeight - 84,
      }
    }),
    xAxis: chart.panels.map((panel, index) =>
      panel.kind === 'ranking' ? valueAxis(panel, index) : categoryAxis(panel, index),
    ),
    yAxis: chart.panels.map((panel, index) =>
      panel.kind === 'ranking' ? { ...categoryAxis(panel, index), inverse: true } : valueAxis(panel, index),
    ),
    series: chart.panels.flatMap((panel, index) =>
      panel.kind === 'ranking'
        ? [ranking(panel, index)]
        : panel.series.map((each) => series(panel, index, each, names)),
    ),
  }
}

function categoryAxis(panel: Panel, gridIndex: number) {
  return {
    type: 'category' as const,
    gridIndex,
    data: [...panel.categories],
    axisLabel: { color: ink, interval: 0, fontSize: 11 },
    axisLine: { lineStyle: { color: faint } },
    axisTick: { show: false },
  }
}

function valueAxis(panel: Panel, gridIndex: number) {
  return {
    type: panel.logarithmic ? ('log' as const) : ('value' as const),
    gridIndex,
    axisLabel: { color: ink, fontSize: 11, show: panel.kind !== 'ranking' },
    splitLine: { lineStyle: { color: faint, opacity: 0.25 }, show: panel.kind !== 'ranking' },
  }
}

function series(
  panel: Panel,
  index: number,
  { name, values }: Panel['series'][number],
  names: readonly string[],
): echarts.SeriesOption {
  return {
    type: panel.kind === 'line' ? ('line' as const) : ('bar' as const),
    name,
    xAxisIndex: index,
    yAxisIndex: index,
    data: values.map((value) => (panel.logarithmic && value !== null && value <= 0 ? null : value)),
    symbolSize: 5,
    color: colorOf(name, names),
  }
}

function ranking(panel: Panel, index: number): echarts.SeriesOption {
  return {
    type: 'bar' as const,
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: '60%',
    label: { show: true, position: 'right' as const, color: ink, fontSize: 11, formatter: labelOf },
    data: panel.categories.map((name, position) => ({
      value: panel.series[0]!.values[position] ?? null,
      itemStyle: { color: isOurs(name) ? ours[0]! : others[5]! },
    })),
  }
}

function labelOf({ value }: { value: unknown }): string {
  return typeof value === 'number' ? value.toLocaleString('en') : ''
}

/** What is ours is green in every chart. */
function colorOf(name: string, names: readonly string[]): string {
  const palette = isOurs(name) ? ours : others
  const family = names.filter((other) => isOurs(other) === isOurs(name))
  return palette[family.indexOf(name) % palette.length]!
}

function isOurs(name: string): boolean {
  return /handcar|database\./.test(name)
}

function left(index: number): number {
  return 20 + (index % perLine) * (width / perLine)
}

function top(index: number): number {
  return headHeight + Math.floor(index / perLine) * panelHeight
}

function titleStyle(fontSize: number): object {
  return { textStyle: { color: ink, fontSize, fontWeight: 600 }, subtextStyle: { color: ink, fontSize: 12 } }
}

/** Gives the SVG a background and an ink that follow the reader's color scheme. */
function themed(svg: string): string {
  const style = `<style>
.page{fill:#ffffff}[fill="${ink}"]{fill:#1f2328}[stroke="${faint}"]{stroke:#8c959f}
@media (prefers-color-scheme:dark){.page{fill:#0d1117}[fill="${ink}"]{fill:#e6edf3}[stroke="${faint}"]{stroke:#6e7681}}
</style>`
  const withoutPointerStyles = svg.replace(/<style ?><!\[CDATA\[[\s\S]*?<\/style>\n?/, '')
  return withoutPointerStyles
    .replace(/ class="zr\d+-cls-\d+"/g, '')
    .replace(/zr\d+-c(\d+)/g, 'clip-$1')
    .replace(/ ecmeta_\w+="[^"]*"/g, '')
    .replace(/fill="none"(><\/rect>)/, 'class="page"$1')
    .replace(/(<svg[^>]*>)/, `$1\n${style}`)
    .concat('\n')
}
