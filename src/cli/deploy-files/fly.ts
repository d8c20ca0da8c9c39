import { dockerfile, dockerignore } from './docker.ts'
import { patienceOf, proxyStep, type DeployedApp, type Target } from './target.ts'

/** One machine at fly.io with a volume. Guide: `docs/operations/deploy-docker-fly-kamal.md`. */
export const fly: Target = {
  files: (app) => [
    { path: 'fly.toml', content: flyToml(app) },
    { path: 'Dockerfile.fly', content: dockerfile(app, dropRights) },
    dockerignore,
  ],
  nextSteps: (app) => [
    ...proxyStep(app),
    `fly apps create ${app.name} (the name has to be free at Fly; change it in fly.toml if it is not)`,
    'fly volumes create data --size 3 --region fra --count 1',
    'fly secrets set NAME=value (for each secret of the app)',
    'fly deploy --ha=false',
    'One volume is one machine: never `fly scale count 2`. A deploy restarts it, which takes some seconds.',
  ],
}

/** A new volume of Fly belongs to root, whatever the image says. */
const dropRights = `# Root only hands the volume over to the user node, as whom the app then runs. It may not change its own code.
ENTRYPOINT ["sh", "-c", "chown node:node /data && exec setpriv --reuid=node --regid=node --init-groups \\"$@\\"", "entrypoint"]`

const flyToml = (app: DeployedApp): string => `# Written by \`handcar deploy:files --to fly\`.

app = '${app.name}'
primary_region = 'fra'

# The supervisor lets requests finish before it ends.
kill_signal = 'SIGTERM'
kill_timeout = '${patienceOf(app)}s'
# A reload or a peak does not end with the kernel killing a process.
swap_size_mb = 512

[build]
  dockerfile = 'Dockerfile.fly'

[env]
  NODE_ENV = 'production'
  HANDCAR_DATA = '/data'
  HOST = '0.0.0.0'
  PORT = '${app.port}'

# The databases. A volume belongs to one machine: this app runs on exactly one.
[mounts]
  source = 'data'
  destination = '/data'
  snapshot_retention = 14
  auto_extend_size_threshold = 80
  auto_extend_size_increment = '1GB'
  auto_extend_size_limit = '20GB'

[http_service]
  internal_port = ${app.port}
  force_https = true
  auto_stop_machines = 'off'
  auto_start_machines = true
  min_machines_running = 1

  [http_service.concurrency]
    type = 'requests'
    soft_limit = 250
    hard_limit = 1000

  [[http_service.checks]]
    method = 'GET'
    path = '${app.healthPath}'
    interval = '10s'
    timeout = '3s'
    grace_period = '30s'

[[vm]]
  size = 'shared-cpu-1x'
  memory = '512mb'
`
