import type { TestContext } from 'vitest'
import type { FaultS3 } from '../support/fault-s3.ts'
import { whenLong } from './long.ts'
import { Room } from './room.ts'
import { Stage, type StageOptions } from './stage.ts'

export interface Alone {
  stage: Stage
  room: Room
}

/** What these scenarios may take: several start agents at the same time. */
export const aloneTimeout = { timeout: whenLong(1_800_000, 180_000) }

/** A stage of its own, with one room: for a scenario that would disturb others. The agent is the test's to start. */
export async function alone(
  { onTestFinished, skip }: TestContext,
  name: string,
  options?: StageOptions,
): Promise<Alone> {
  const stage = await Stage.open(name, options)
  onTestFinished(() => stage.close())
  const pause = (): Promise<never> => Promise.reject(new Error('this scenario runs its own agent'))
  const room = new Room(stage, name, pause, skip)
  onTestFinished(() => room.close())
  return { stage, room }
}

/** The same, its bucket at a server that fails as told. */
export async function aloneWithServer(
  context: TestContext,
  name: string,
  options?: StageOptions,
): Promise<Alone & { server: FaultS3 }> {
  const { stage, room } = await alone(context, name, { ...options, isS3: true })
  if (stage.server === undefined) throw new Error('the stage has no server')
  return { stage, room, server: stage.server }
}
