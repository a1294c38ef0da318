import { afterAll, beforeAll, expect, it, type TestContext, vi } from 'vitest'
import { liesOf, type StreamView, streamsOf } from './bucket-view.ts'
import { whenLong } from './long.ts'
import { type Pause, Room } from './room.ts'
import { Stage, type StageOptions } from './stage.ts'

/** A net: several agents and the machine's other work share the processor. */
const scenarioTimeoutMs = whenLong(1_800_000, 180_000)

export interface Family {
  /** One case, in a directory of its own. All of a family run side by side under one agent. */
  scenario(name: string, work: (room: Room) => Promise<void>): void
  /** The last case: what no single one can see. */
  afterwards(): void
  readonly stage: Stage
}

/**
 * Independent scenarios under one agent. Those that need it stopped, killed or frozen say so, and it is, once every
 * scenario that is not over waits for such a moment: no other one loses the live agent that it is about.
 */
export function family(label: string, options: StageOptions = {}): Family {
  vi.setConfig({ maxConcurrency: 100 })
  let stage: Stage | undefined
  const opened = (): Stage => {
    if (stage === undefined) throw new Error('the stage is not open')
    return stage
  }
  const pauses = new Pauses(opened)
  const done: Room[] = []
  let rooms = 0

  beforeAll(async () => {
    stage = await Stage.open(label, options)
    await stage.agent.start()
  })
  afterAll(() => stage?.close())

  return {
    get stage() {
      return opened()
    },
    scenario(name, work) {
      it.concurrent(name, { timeout: scenarioTimeoutMs }, async ({ task, skip }) => {
        const pause = (how: Pause, job: () => unknown): Promise<void> => pauses.wait(task, how, job)
        const room = new Room(opened(), `${++rooms}-${/^[\w-]*/.exec(name)?.[0]}`, pause, skip)
        try {
          await work(room)
          done.push(room)
        } finally {
          room.close()
          pauses.leave(task)
        }
      })
    },
    afterwards() {
      it('afterwards: nothing was added or changed, every seal is true, nothing forked, and SIGTERM ends it with 0', async () => {
        const { agent } = opened()
        await agent.stop()
        await expectNothingElse(opened(), done)
      })
    },
  }
}

/** The whole bucket once more: what was seen is as it was, and each room shows what it showed. */
export async function expectNothingElse(stage: Stage, rooms: readonly Room[]): Promise<void> {
  const objects = await stage.objects()
  const changed = [...stage.seen].filter(([key, { body }]) => !objects.get(key)?.body.equals(body)).map(([key]) => key)
  expect(changed, 'what was published changed').toEqual([])
  const views = streamsOf(objects)
  expect(rooms.map((room) => room.judge(views)).filter((problem) => problem !== undefined)).toEqual([])
  expect(liesOf(views)).toEqual([])
  const known = new Set(views.filter(({ path }) => path !== undefined).map(({ identity }) => identity))
  expect(views.filter(({ identity }) => !known.has(identity)).map(nameless), 'streams of nobody').toEqual([])
  const { agent } = stage
  expect(agent.said().match(/^.*"msg":"forked".*$/gm) ?? []).toEqual([])
}

function nameless({ stream, gaps }: StreamView): string {
  return `${stream} ${gaps.join(', ')}`
}

type Task = TestContext['task']

interface Waiting {
  how: Pause
  work: () => unknown
  resolve: () => void
  reject: (error: unknown) => void
}

class Pauses {
  readonly #stage: () => Stage
  readonly #waiting = new Map<Task, Waiting>()
  readonly #over = new Set<Task>()
  #isPaused = false

  constructor(stage: () => Stage) {
    this.#stage = stage
  }

  leave(task: Task): void {
    this.#over.add(task)
    void this.#pauseWhenAllWait()
  }

  wait(task: Task, how: Pause, work: () => unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(task, { how, work, resolve, reject })
      void this.#pauseWhenAllWait(task)
    })
  }

  async #pauseWhenAllWait(task?: Task): Promise<void> {
    const [first] = this.#waiting.keys()
    const someone = task ?? first
    if (this.#isPaused || someone === undefined) return
    const siblings = (someone.suite?.tasks ?? someone.file.tasks).filter(
      (one) => one.type === 'test' && one.concurrent && (one.mode === 'run' || one.mode === 'queued'),
    )
    if (!siblings.every((one) => this.#over.has(one as Task) || this.#waiting.has(one as Task))) return
    this.#isPaused = true
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const how of ['down', 'killed', 'frozen to death', 'frozen'] as const) {
      const group = all.filter((one) => one.how === how)
      if (group.length > 0) await this.#pause(how, group).catch((error) => group.map(({ reject }) => reject(error)))
    }
    this.#isPaused = false
    for (const { resolve } of all) resolve()
  }

  async #pause(how: Pause, group: readonly Waiting[]): Promise<void> {
    const { agent } = this.#stage()
    if (how === 'frozen' || how === 'frozen to death') await agent.freeze()
    else if (how === 'down') await agent.stop()
    else await agent.kill()
    const left: unknown[] = []
    for (const { work, reject } of group) left.push(await Promise.resolve().then(work).catch(reject))
    if (how === 'frozen') return agent.thaw()
    if (how === 'frozen to death') {
      await agent.kill()
      for (const second of left) if (typeof second === 'function') second()
    }
    await agent.start()
  }
}
