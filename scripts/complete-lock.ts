interface Entry {
  version?: string
  dev?: boolean
  optional?: boolean
  gypfile?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}

/** The part of `package-lock.json` that is completed. */
export interface Lock {
  packages: Record<string, Entry>
}

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const processors = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x']
const libraries: Record<string, string> = {
  gnu: 'glibc',
  gnueabihf: 'glibc',
  musl: 'musl',
  musleabihf: 'musl',
}

/**
 * Says in a lock file what npm leaves out, so that `npm ci` works with every npm and on every system:
 *
 * - better-sqlite3 has nothing to compile: it ships prebuilt binaries. npm 10 (which comes with Node 20) sees only the lock file
 *   and the package's `binding.gyp`, and would run node-gyp, which fails where there is no Python.
 * - Tools ship their binaries in a package for each system. npm leaves out those that it could not look up when the file was
 *   made, and npm 11 then refuses the file. Their names tell what they are for.
 */
export function completeLock({ packages }: Lock): void {
  const sqlite = packages['node_modules/better-sqlite3']
  if (sqlite) sqlite.gypfile = false
  for (const [location, { dev, optionalDependencies = {} }] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const isThere = `${location}/node_modules/${name}` in packages || `node_modules/${name}` in packages
      if (!isThere)
        packages[`node_modules/${name}`] = {
          version,
          ...binaryFor(name),
          ...(dev && { dev }),
          optional: true,
        }
    }
  }
}

/** `@oxlint/binding-linux-arm64-musl` is for arm64 machines that run Linux with musl. */
function binaryFor(name: string): Pick<Entry, 'os' | 'cpu' | 'libc'> {
  const words = name.split(/[/-]/)
  const among = (known: string[]): string[] => known.filter((word) => words.includes(word)).slice(0, 1)
  const library = words.map((word) => libraries[word]).find(Boolean)
  const os = among(systems)
  return { os, cpu: among(processors), ...(library && os[0] === 'linux' && { libc: [library] }) }
}
