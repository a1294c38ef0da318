import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect } from 'vitest'
import { guardLeaks } from '../support/leak-guard.ts'
import { family } from './family.ts'
import type { LogFile } from './log-file.ts'
import { whenLong } from './long.ts'
import type { Room } from './room.ts'

guardLeaks()

/**
 * Kubelet's way with container logs: `pods/<namespace>_<pod>_<uid>/<container>/0.log`, and a symlink to it below
 * `containers`. It renames the file to `0.log.<date>`, makes the runtime open a new one, compresses the rotated file one
 * rotation later (to `.tmp`, then by rename), keeps five, and removes the directory once the pod is gone.
 */
describe("kubelet's way", () => {
  const { scenario, afterwards } = family('kubelet', {
    sources: (logs) => [
      { name: 'by-link', include: [`${logs}/*/containers/*.log`], followSymlinks: true },
      { name: 'by-path', include: [`${logs}/*/pods/*/*/*`], exclude: ['*.tmp'] },
    ],
  })

  scenario(
    'kubelet: rotated, compressed one rotation later, found by its symlink and by its path: once',
    async (room) => {
      const pod = new Pod(room, 'shop_cart-7d9_1c2d')
      for (let round = 0; round < 4; round++) {
        pod.log.lines(whenLong(10_000, 200))
        await room.holds(...pod.lives)
        pod.log.lines(20)
        pod.rotate()
        pod.log.lines(5)
      }
      await room.holds(...pod.lives)
      for (const [at, name] of pod.compressed().entries()) {
        const life = pod.lives[at]
        if (life === undefined) throw new Error('more compressed files than lives')
        await room.isAlias(room.path(name), life)
      }
      await room.holds(...pod.lives)
    },
  )

  scenario('kubelet: the pod goes, and its directory with it, right after its last words', async (room) => {
    const pod = new Pod(room, 'shop_job-1_9f8e')
    pod.log.lines(200)
    await room.holds(...pod.lives)
    pod.rotate()
    pod.log.lines(10)
    await room.holds(...pod.lives)
    // Its descriptor is held: what was written last is read though no name is left.
    await room.whileFrozen(() => {
      pod.log.lines(50)
      pod.remove()
    })
    await room.holds(...pod.lives)
    for (const life of pod.lives) await room.isSealed(life)
    await room.holds(...pod.lives)
  })

  scenario('kubelet: a container that starts again has another file, and the old one stays', async (room) => {
    const pod = new Pod(room, 'shop_web-1_77aa')
    pod.log.lines(50)
    await room.holds(...pod.lives)
    await room.whileDown(() => {
      pod.log.lines(5)
      pod.restart()
      pod.log.lines(7)
    })
    pod.log.lines(3)
    await room.holds(...pod.lives)
  })

  afterwards()
})

class Pod {
  readonly #room: Room
  readonly #directory: string
  readonly #link: string
  readonly #past: LogFile[] = []
  #restarts = 0
  #rotations = 0
  log: LogFile

  constructor(room: Room, name: string) {
    this.#room = room
    this.#directory = `pods/${name}/main`
    this.#link = room.path(`containers/${name}_main.log`)
    mkdirSync(room.path(this.#directory), { recursive: true })
    mkdirSync(room.path('containers'), { recursive: true })
    this.log = this.#open()
  }

  get lives(): LogFile[] {
    return [...this.#past, this.log]
  }

  get #current(): string {
    return `${this.#directory}/${this.#restarts}.log`
  }

  rotate(): void {
    const path = (name: string): string => this.#room.path(name)
    // What was rotated before is compressed now, all but the newest.
    for (const name of this.#rotated().filter((one) => !one.endsWith('.gz'))) {
      writeFileSync(path(`${name}.tmp`), gzipSync(readFileSync(path(name))))
      renameSync(path(`${name}.tmp`), path(`${name}.gz`))
      unlinkSync(path(name))
    }
    const date = `20261121-15000${this.#rotations++}`
    renameSync(path(this.#current), path(`${this.#current}.${date}`))
    this.#past.push(this.log)
    this.log = this.#room.create(this.#current)
  }

  restart(): void {
    this.#restarts++
    this.#past.push(this.log)
    this.log = this.#open()
  }

  remove(): void {
    rmSync(this.#link)
    rmSync(this.#room.path(this.#directory), { recursive: true })
  }

  /** The oldest first. */
  compressed(): string[] {
    const names = this.#rotated().filter((name) => name.endsWith('.gz'))
    expect(names.length).toBe(this.#rotations - 1)
    return names
  }

  #rotated(): string[] {
    const names = readdirSync(this.#room.path(this.#directory)).filter((name) => /\.log\./.test(name))
    return names.sort().map((name) => `${this.#directory}/${name}`)
  }

  #open(): LogFile {
    const log = this.#room.create(this.#current)
    rmSync(this.#link, { force: true })
    symlinkSync(this.#room.path(this.#current), this.#link)
    return log
  }
}
