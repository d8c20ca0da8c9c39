import { patienceOf, type DeployedApp, type Target } from './target.ts'

/** A service and its socket for a machine with systemd. Guide: `docs/operations/first-deploy.md`. */
export const systemd: Target = {
  files: (app) => [
    { path: `deploy/${app.name}.service`, content: service(app) },
    { path: `deploy/${app.name}.socket`, content: socket(app) },
  ],
  nextSteps: ({ name }) => [
    'The guide docs/operations/first-deploy.md of handcar has every step; in short, on the machine:',
    `useradd --system --home-dir /srv/${name} --shell /usr/sbin/nologin ${name}`,
    `install -d /srv/${name}/releases && install -d -o ${name} -g ${name} -m 750 /srv/${name}/data`,
    `Put the app into /srv/${name}/releases/1, run npm ci --omit=dev there, and: ln -sfn releases/1 /srv/${name}/current`,
    `cp deploy/${name}.service deploy/${name}.socket /etc/systemd/system/ && systemctl daemon-reload`,
    `systemctl enable --now ${name}.socket ${name}.service`,
    `Each next release: move the link, then systemctl reload ${name}`,
  ],
}

const service = (app: DeployedApp): string => `# /etc/systemd/system/${app.name}.service
# Written by \`handcar deploy:files --to systemd\`.

[Unit]
Description=${app.name}
After=network.target
# systemd holds the port, so that nobody is refused while the service is down: clients wait.
Requires=${app.name}.socket
After=${app.name}.socket
# Six failed starts within a minute: leave it, a person has to look.
StartLimitIntervalSec=60
StartLimitBurst=6

[Service]
# handcar says itself when it is ready, when it reloads, and which process is the main one after an upgrade.
Type=notify
NotifyAccess=all
User=${app.name}
Group=${app.name}
# \`current\` is a link to the folder of the release. It is looked up again at each reload.
WorkingDirectory=/srv/${app.name}
ExecStart=/srv/${app.name}/current/node_modules/.bin/handcar start --folder /srv/${app.name}/current
# Waits until the new processes serve; fails, and leaves the old ones running, when they do not.
ExecReload=/srv/${app.name}/current/node_modules/.bin/handcar reload --folder /srv/${app.name}/current
Restart=always
RestartSec=1

Environment=NODE_ENV=production
Environment=HANDCAR_DATA=/srv/${app.name}/data
# Secrets, one NAME=value a line, mode 600. The minus sign: the file may be missing.
EnvironmentFile=-/srv/${app.name}/env

# SIGTERM goes to the supervisor alone, which lets its processes finish; what is left after the timeout is killed.
KillMode=mixed
# For a start and for a reload, with their migrations: handcar itself gives up on a process that does not get ready.
TimeoutStartSec=15min
# Longer than processes.stopTimeout (${app.stopSeconds} s).
TimeoutStopSec=${patienceOf(app)}

LimitNOFILE=65536
# A limit makes the kernel end this service, and not another one, when memory runs out.
#MemoryMax=900M

# Hardening: it may read the system, write its data, and nothing else.
# (No MemoryDenyWriteExecute: V8 compiles JavaScript to machine code.)
UMask=0027
ProtectSystem=strict
ReadWritePaths=/srv/${app.name}/data
ProtectHome=true
PrivateTmp=true
PrivateDevices=true
NoNewPrivileges=true
CapabilityBoundingSet=
AmbientCapabilities=
ProtectClock=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
ProtectControlGroups=true
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
LockPersonality=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`

const socket = (app: DeployedApp): string => `# /etc/systemd/system/${app.name}.socket
# Written by \`handcar deploy:files --to systemd\`.

[Unit]
Description=Socket of ${app.name}

[Socket]
${listen(app)}
# How many clients may wait while the supervisor is replaced. The kernel's limit: sysctl net.core.somaxconn
Backlog=4096

[Install]
WantedBy=sockets.target
`

function listen({ host, port, socket }: DeployedApp): string {
  if (socket !== undefined) {
    return `ListenStream=${socket}\n# The proxy has to be in this group.\nSocketGroup=www-data\nSocketMode=0660`
  }
  const address = host.includes(':') ? `[${host}]` : host
  return `# Only this machine: Caddy stands before it.\nListenStream=${address}:${port}\nNoDelay=true`
}
