import { defineConfig } from 'handcar'
import { readSettings } from './src/settings.ts'

const { databaseMode, durability, benchmarking } = readSettings(process.env)

export default defineConfig({
  prepare: 'src/prepare.ts',
  // The other modes do what most apps do: each commit checkpoints when it is its turn.
  database: { durability, ...(databaseMode !== 'handcar' && { checkpointer: false }) },
  server: { compression: !benchmarking },
})
