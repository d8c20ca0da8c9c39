import { defineConfig } from 'handcar'
import { readSettings } from './src/settings.ts'

const { databaseMode, durability, benchmarking } = readSettings(process.env)

export default defineConfig({
  prepare: 'src/prepare.ts',
  // The other modes do what most apps do: each commit checkpoints when it is its turn.
  database: { durability, ...(databaseMode !== 'handcar' && { checkpointer: false }) },
  // The list of the front page and what somebody wrote, as HTML, go into the memory of each process too.
  cache: { maxBytes: '64mb', memory: { maxValue: '256kb' } },
  server: { compression: !benchmarking },
})
