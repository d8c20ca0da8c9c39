import { patienceOf, proxyStep, type DeployedApp, type DeployFile, type Target } from './target.ts'

/** An image and its volume. Guide: `docs/operations/deploy-docker-fly-kamal.md`. */
export const docker: Target = {
  files: (app) => [{ path: 'Dockerfile', content: dockerfile(app, userNode) }, dockerignore],
  nextSteps: (app) => [
    ...proxyStep(app),
    `docker build --tag ${app.name} .`,
    `docker run --detach --name ${app.name} --restart unless-stopped --stop-timeout ${patienceOf(app)} --publish 127.0.0.1:${app.port}:${app.port} --volume ${app.name}-data:/data ${app.name}`,
    `One container for one volume: stop the old one before the new one starts. Look after it with: docker exec ${app.name} node_modules/.bin/handcar doctor`,
  ],
}

/** As whom the app runs. */
const userNode = '# The app may not change its own code.\nUSER node'

/** The image of an app; `user` are the lines that say as whom it runs. */
export function dockerfile(app: DeployedApp, user: string): string {
  const { port, healthPath } = app
  return `# syntax=docker/dockerfile:1
# Written by \`handcar deploy:files\`.

FROM node:24-slim AS build
WORKDIR /app
# The dependencies first: they are installed again only when these files change.
COPY package.json package-lock.json ./
${app.hasBuild ? buildSteps : plainSteps}

FROM node:24-slim
WORKDIR /app
# Inside a container all addresses are private ones; what is published says docker.
ENV NODE_ENV=production \\
    HANDCAR_DATA=/data \\
    HOST=0.0.0.0 \\
    PORT=${port}
RUN mkdir --mode=750 /data && chown node:node /data
COPY --from=build /app /app
${user}
# /data has to be a volume: handcar refuses to start on a file system that is gone with the container. There is no line VOLUME
# on purpose: Docker would make one without a name, and the next container would begin with an empty one.
EXPOSE ${port}
# The supervisor lets requests finish. Docker waits for 10 seconds unless it is told otherwise: --stop-timeout ${patienceOf(app)}
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \\
    CMD ["node", "-e", "fetch('http://127.0.0.1:${port}${healthPath}').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node_modules/.bin/handcar", "start"]
`
}

const plainSteps = `RUN npm ci --omit=dev
COPY . .`

const buildSteps = `RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev`

/** What has no place in an image. */
export const dockerignore: DeployFile = {
  path: '.dockerignore',
  shared: true,
  content: `# Written by \`handcar deploy:files\`.
.git
node_modules
# Databases and secrets do not belong into an image.
data
*.sqlite3*
.env*
deploy
Dockerfile*
npm-debug.log
`,
}
