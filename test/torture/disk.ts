import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { system, type Place } from './place.ts'
import { holds } from './patience.ts'

/** Programs that disks need, with the Debian packages that bring them. */
export const DISK_NEEDS = { losetup: 'mount', mount: 'mount', 'mkfs.ext4': 'e2fsprogs' }

/** A process that was killed may hold its files for a moment. */
const UNMOUNT_WITHIN_MS = 10_000

/** The journal is committed by syncs alone: what nobody synced is not on the disk, and nothing is written while an image is copied. */
const MOUNT_OPTIONS = 'commit=300,noatime'

/** A small ext4 disk in a file, which can be copied as it is while it is in use: what a disk has when the power is cut. */
export class LoopDisk {
  /** Where it is mounted. */
  readonly directory: string
  readonly #stem: string
  #image: string
  #images = 1
  #device: string | undefined

  private constructor (place: Place, name: string) {
    this.#stem = join(place.directory, name)
    this.directory = `${this.#stem}-mount`
    this.#image = `${this.#stem}-1.img`
  }

  /** Makes and mounts it; it goes with the place. */
  static async make (place: Place, name: string, mib: number): Promise<LoopDisk> {
    const disk = new LoopDisk(place, name)
    mkdirSync(disk.directory)
    await system('truncate', '-s', `${mib}M`, disk.#image)
    await system('mkfs.ext4', '-q', '-b', '4096', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0', disk.#image)
    place.teardown(async () => { await disk.#detach() })
    await disk.#attach()
    return disk
  }

  /** Copies what is on the disk now, and not what only the system's memory has; gives the copy's path. */
  async copy (): Promise<string> {
    const copy = `${this.#stem}-${++this.#images}.img`
    await system('cp', '--sparse=always', this.#image, copy)
    return copy
  }

  /** Goes on with a copy, in the same place. Nobody may use the disk any more. */
  async become (copy: string): Promise<void> {
    await this.#detach()
    rmSync(this.#image)
    this.#image = copy
    await this.#attach()
  }

  /** Brings all that was written to the disk. */
  async sync (): Promise<void> {
    await system('sync', '--file-system', this.directory)
  }

  async #attach (): Promise<void> {
    // Without direct I/O the image's own pages would have to be written first, and a copy would not be the disk.
    const device = (await system('losetup', '--find', '--show', '--direct-io=on', this.#image)).trim()
    this.#device = device
    await system('mount', '-o', MOUNT_OPTIONS, device, this.directory)
  }

  async #detach (): Promise<void> {
    if (this.#device === undefined) return
    try {
      await unmount(this.directory)
    } finally {
      await system('losetup', '-d', this.#device)
      this.#device = undefined
    }
  }
}

/** Mounts a disk in memory, which goes with the place; gives where. */
export async function memoryDisk (place: Place, name: string, mib: number): Promise<string> {
  const directory = join(place.directory, `${name}-mount`)
  mkdirSync(directory)
  await system('mount', '-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', directory)
  place.teardown(async () => { await unmount(directory) })
  return directory
}

async function unmount (directory: string): Promise<void> {
  let complaint = ''
  const done = await holds(async () => await system('umount', directory).then(() => true, error => { complaint = String(error); return false }), UNMOUNT_WITHIN_MS)
  if (!done && !complaint.includes('not mounted')) throw new Error(complaint)
}
