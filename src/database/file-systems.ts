/** What a file system is to a database. */
export type FileSystemKind =
  /** A local disk. */
  | 'local'
  /** Of another machine: no shared memory, and locks that cannot be trusted. */
  | 'network'
  /** Passed through from a host or a program (FUSE, virtiofs): whether locks work depends on it. */
  | 'foreign'
  /** Gone with the machine. */
  | 'memory'
  /** The writable layer of a container, gone with it. */
  | 'layered'

/** File systems by the `f_type` of `statfs(2)` (linux/magic.h), as far as they matter to a database. */
const fileSystems: Record<number, FileSystem> = {
  0xef53: { name: 'ext4', kind: 'local' },
  0x58465342: { name: 'XFS', kind: 'local' },
  0x9123683e: { name: 'Btrfs', kind: 'local' },
  0x2fc12fc1: { name: 'ZFS', kind: 'local' },
  0xf2f52010: { name: 'F2FS', kind: 'local' },
  0xca451a4e: { name: 'bcachefs', kind: 'local' },
  0x6969: { name: 'NFS', kind: 'network' },
  0x517b: { name: 'SMB', kind: 'network' },
  0xff534d42: { name: 'CIFS', kind: 'network' },
  0xfe534d42: { name: 'SMB2', kind: 'network' },
  0x01021997: { name: '9p', kind: 'network' },
  0x5346414f: { name: 'AFS', kind: 'network' },
  0x00c36400: { name: 'Ceph', kind: 'network' },
  0x0bd00bd0: { name: 'Lustre', kind: 'network' },
  0x47504653: { name: 'GPFS', kind: 'network' },
  0x01161970: { name: 'GFS2', kind: 'network' },
  0x7461636f: { name: 'OCFS2', kind: 'network' },
  0x65735546: { name: 'FUSE or virtiofs', kind: 'foreign' },
  0x01021994: { name: 'tmpfs', kind: 'memory' },
  0x858458f6: { name: 'ramfs', kind: 'memory' },
  0x794c7630: { name: 'overlayfs', kind: 'layered' },
  0x61756673: { name: 'aufs', kind: 'layered' },
}

/** A file system by its name. */
export interface FileSystem {
  name: string
  kind: FileSystemKind
}

/** The file system that a type number of `statfs(2)` stands for; `undefined` when it is not known. */
export function fileSystemOf(type: number): FileSystem | undefined {
  return fileSystems[type >>> 0]
}
