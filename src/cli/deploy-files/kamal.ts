import { docker } from './docker.ts'
import { patienceOf, proxyStep, type DeployedApp, type Target } from './target.ts'

/** Kamal 2 on one server. Guide: `docs/operations/deploy-docker-fly-kamal.md`. */
export const kamal: Target = {
  files: (app) => [
    { path: 'config/deploy.yml', content: deployYml(app) },
    { path: '.kamal/secrets', content: secrets, shared: true },
    { path: '.kamal/hooks/pre-app-boot', content: hook, executable: true },
    ...docker.files(app).map((file) => ({ ...file, shared: true })),
  ],
  nextSteps: (app) => [
    ...proxyStep(app),
    'In config/deploy.yml: set the server, the host name, the registry and the image.',
    'kamal setup (the first time), kamal deploy (each next release)',
    'Kamal starts the new container beside the old one, and handcar lets only one of them have the data: the hook stops the old one first, which is a pause of some seconds. For releases without a pause: handcar deploy:files --to systemd',
  ],
}

const deployYml = (app: DeployedApp): string => `# Written by \`handcar deploy:files --to kamal\`.

service: ${app.name}
image: your-user/${app.name}

# Exactly one: the databases lie on its disk.
servers:
  web:
    - 192.0.2.1

proxy:
  ssl: true
  host: ${app.name}.example.com
  app_port: ${app.port}
  # Otherwise the app does not know who asks, nor that it was asked by https.
  forward_headers: true
  healthcheck:
    path: ${app.healthPath}
    interval: 1
    timeout: 3
  # Responses that stream (server-sent events) must not be held back.
  buffering:
    requests: true
    responses: false

registry:
  username: your-user
  password:
    - KAMAL_REGISTRY_PASSWORD

builder:
  arch: amd64

env:
  clear:
    NODE_ENV: production
    HANDCAR_DATA: /data
    HOST: 0.0.0.0
    PORT: ${app.port}

# The databases: a named volume on the disk of the server.
volumes:
  - ${app.name}-data:/data

# How long the old container may take to finish its requests.
drain_timeout: ${patienceOf(app)}
deploy_timeout: 60

aliases:
  console: app exec --interactive --reuse "node_modules/.bin/handcar console --read-only"
  doctor: app exec --reuse "node_modules/.bin/handcar doctor"
  status: app exec --reuse "node_modules/.bin/handcar status"
`

const secrets = `# Written by \`handcar deploy:files --to kamal\`. Names of variables, never their values: this file is committed.
KAMAL_REGISTRY_PASSWORD=$KAMAL_REGISTRY_PASSWORD
`

const hook = `#!/bin/sh
# Written by \`handcar deploy:files --to kamal\`.
# One supervisor for one data folder: the old container finishes its requests and stops before the new one starts.
# Kamal holds the deploy lock and hands it to this command in KAMAL_LOCK.
set -eu
exec kamal app stop \${KAMAL_DESTINATION:+--destination "$KAMAL_DESTINATION"}
`
