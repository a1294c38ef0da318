import { copyFileSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { FaultS3 } from '../support/fault-s3.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { type SeededRandom, seededRandom } from '../support/seeded-random.ts'
import { type Alone, aloneWithServer } from './alone.ts'
import { expectNothingElse } from './family.ts'
import { anyGaps, type ExpectedStream, type LogFile } from './log-file.ts'
import { whenLong } from './long.ts'

guardLeaks()

/** LOGCASK_SEED=7 LOGCASK_LONG=1 npx vitest run test/scenarios/model.test.ts; more of it, with an oracle of its own: test/sim. */
const seed = Number(process.env.LOGCASK_SEED ?? 1)
const steps = whenLong(1_000, 60)

describe('chance', () => {
  it(`57: ${steps} steps of Vector's alphabet and ours, seed ${seed}: every life is one stream`, {
    timeout: 3_600_000,
  }, async (context) => {
    const site = await aloneWithServer(context, '57', { destination: { requestTimeout: '2s' } })
    const model = new Model(site, seededRandom(seed))
    await site.stage.agent.start()
    for (let step = 0; step < steps; step++) await model.step()
    await model.calm()
    await site.stage.agent.stop()
    await expectNothingElse(site.stage, [site.room])
    console.log(model.counts())
  })
})

/** Weights: those of Vector's quickcheck interpreter, and our own beside them. */
const actions = {
  write: 51,
  read: 19,
  pause: 6,
  rotate: 10,
  truncate: 5,
  delete: 5,
  kill: 4,
  copyTruncate: 1,
  compress: 4,
  storeDown: 4,
  linkCount: 5,
} as const
type Action = keyof typeof actions
const bag = Object.entries(actions).flatMap(([action, weight]) => Array<Action>(weight).fill(action as Action))

type Site = Alone & { server: FaultS3 }

class Model {
  readonly #site: Site
  readonly #random: SeededRandom
  readonly #past: ExpectedStream[] = []
  readonly #counts = new Map<Action, number>()
  #file: LogFile
  #rotations = 0
  #heal: (() => void) | undefined

  constructor(site: Site, random: SeededRandom) {
    this.#site = site
    this.#random = random
    this.#file = site.room.create('app.log')
  }

  counts(): string {
    return [...this.#counts].map(([action, count]) => `${count} × ${action}`).join(', ')
  }

  async step(): Promise<void> {
    const action = this.#random.pick(bag)
    this.#counts.set(action, (this.#counts.get(action) ?? 0) + 1)
    await this[action]()
  }

  /** The store answers, and all of it is there. */
  async calm(): Promise<void> {
    this.#heal?.()
    this.#heal = undefined
    // A stream whose file went right before a kill has a gap: nobody could know.
    await this.#site.room.holds(...[...this.#past, this.#file].map(anyGaps))
  }

  async write(): Promise<void> {
    this.#file.lines(this.#random.int(1, 40), this.#random.int(30, 200))
  }

  async read(): Promise<void> {
    if (this.#heal === undefined) await this.calm()
  }

  async pause(): Promise<void> {
    await sleep(this.#random.int(1, 200))
  }

  async rotate(): Promise<void> {
    const { room } = this.#site
    // A file that nobody has seen yet may go through several names before anybody does: that is for others to try.
    renameSync(room.path('app.log'), room.path(`app.log.${++this.#rotations}`))
    this.#past.push(this.#file)
    if (this.#random.chance(0.5)) this.#file.lines(1)
    this.#file = room.create('app.log')
  }

  async truncate(): Promise<void> {
    await this.calm()
    if (this.#file.content.length > 0) this.#past.push(this.#file.truncate())
  }

  async delete(): Promise<void> {
    await this.calm()
    this.#file.close()
    unlinkSync(this.#site.room.path('app.log'))
    this.#past.push(this.#file)
    this.#file = this.#site.room.create('app.log')
  }

  async kill(): Promise<void> {
    const { agent } = this.#site.stage
    await agent.kill()
    if (this.#random.chance(0.5)) await this.write()
    if (this.#random.chance(0.3)) await this.rotate()
    await agent.start()
  }

  async copyTruncate(): Promise<void> {
    const { room } = this.#site
    await this.calm()
    if (this.#file.content.length === 0) return
    this.#file.lines(2)
    const copy = room.path(`app.log.copy${++this.#rotations}`)
    copyFileSync(room.path('app.log'), copy)
    const life = anyGaps(this.#file.truncate())
    this.#past.push(life)
    await this.calm()
    await room.isAlias(copy, life)
  }

  async compress(): Promise<void> {
    const { room } = this.#site
    const [name] = readdirSync(room.directory).filter(
      (one) => /^app\.log\.\d+$/.test(one) && statSync(room.path(one)).size > 0,
    )
    if (name === undefined) return
    await this.calm()
    writeFileSync(room.path(`${name}.gz`), gzipSync(readFileSync(room.path(name))))
    unlinkSync(room.path(name))
  }

  async storeDown(): Promise<void> {
    this.#heal ??= this.#site.server.fault(() => ({ kind: 'instead', reply: { status: 503 } }))
  }

  async linkCount(): Promise<void> {
    const { room } = this.#site
    for (const name of readdirSync(room.directory)) expect(statSync(room.path(name)).nlink).toBe(1)
  }
}
