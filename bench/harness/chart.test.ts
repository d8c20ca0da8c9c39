import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderChart } from './chart.ts'

const chart = {
  title: 'Requests & <answers>',
  subtitle: 'two modes',
  panels: [
    {
      title: 'throughput',
      kind: 'line' as const,
      unit: 'requests/s',
      categories: ['1', '2', '4'],
      series: [
        { name: 'handcar', values: [10, 20, null] },
        { name: 'deferred', values: [5, 0, 1] },
      ],
      logarithmic: true,
    },
    {
      title: 'failed',
      kind: 'bar' as const,
      unit: '%',
      categories: ['1'],
      series: [{ name: 'deferred', values: [33] }],
    },
  ],
}

test('a chart is one SVG with its titles, its legend and its categories', () => {
  const svg = renderChart(chart)
  assert.match(svg, /^<svg width="\d+" height="\d+" xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  assert.match(svg, /<\/svg>\n$/)
  for (const text of ['Requests &amp; &lt;answers&gt;', 'two modes', 'throughput – requests/s', 'handcar']) {
    assert.ok(svg.includes(`>${text}<`), `${text} is missing`)
  }
})

test('a ranking lists its categories with their values', () => {
  const series = [{ name: 'reads', values: [327_182, 18_461] }]
  const categories = ['database.get', 'PostgreSQL']
  const panel = { title: 'reads', kind: 'ranking' as const, unit: 'operations/s', categories, series }
  const svg = renderChart({ title: 'Overhead', subtitle: '', panels: [panel] })
  for (const text of ['database.get', 'PostgreSQL', '327,182', '18,461']) assert.ok(svg.includes(`>${text}<`))
})

test('a chart is readable on a light and on a dark page', () => {
  const svg = renderChart(chart)
  assert.match(svg, /prefers-color-scheme:dark/)
  assert.match(svg, /<rect [^>]*class="page"/)
  assert.equal(svg.match(/<style/g)?.length, 1)
})

test('the same figures draw the same file', () => {
  assert.equal(renderChart(chart), renderChart(chart))
})
