import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AgentProcess, startAgent, until } from './agent-process.ts'
import { inDirectory, writeSmallFiles } from './prepare.ts'
import { say } from './report.ts'
import { startSink } from './start-sink.ts'

const fileCount = Number(process.env.LOGCASK_BENCH_FILES ?? 10_000)
/** Shorter, and what happens once a minute is missed or counted for all the time. */
const watchMs = Math.max(60, Number(process.env.LOGCASK_BENCH_IDLE_SECONDS ?? 60)) * 1000
/** After the last object: a rotated file is sealed after 60 s, and what follows a delivery has been asked by then. */
const settleMs = 75_000

/** What an agent costs while nothing happens, with one file and with ten thousand (LOGCASK_BENCH_FILES); and how long it takes to be back. */
export async function idle(): Promise<void> {
  say(`\nidle: ${watchMs / 1000} s in which nothing happens, from ${settleMs / 1000} s after the last delivery on`)
  for (const count of [1, fileCount]) {
    await inDirectory(async (directory) => {
      await writeSmallFiles(join(directory, 'logs'), count, 100)
      let segments = 0
      let arrivedMs = performance.now()
      const sink = await startSink({
        onArrival: ({ path }) => {
          arrivedMs = performance.now()
          if (path.includes('/segments/')) segments++
        },
      })
      const requests = async (): Promise<number> => Object.values(await sink.counts()).reduce((a, b) => a + b, 0)
      let agent = await startAgent(directory, sink.endpoint)
      try {
        await until('every file is delivered', () => segments === count)
        await until('the last delivery is long ago', () => performance.now() - arrivedMs >= settleMs)
        await report(`${count} files`, agent, requests)
        const before = await requests()
        await agent.stop()
        const startMs = performance.now()
        agent = await startAgent(directory, sink.endpoint)
        await quiet(agent, requests)
        const seconds = (performance.now() - startMs - quietMs) / 1000
        const usage = await agent.usage()
        say(
          `    restart with a checkpoint: quiet again after ${seconds.toFixed(1)} s, ${(await requests()) - before} requests, ${usage?.cpuSeconds.toFixed(1)} s of CPU`,
        )
      } finally {
        await agent.stop()
        await sink.stop()
      }
    })
  }
}

const quietMs = 5_000

/** Waits until the agent has asked for nothing, and done next to nothing, for a while. */
async function quiet(agent: AgentProcess, requests: () => Promise<number>): Promise<void> {
  let cpuSeconds = -1
  let asked = -1
  await until(
    'the agent is quiet',
    async () => {
      await sleep(quietMs)
      const usage = await agent.usage()
      const asks = await requests()
      const isQuiet = asks === asked && (usage?.cpuSeconds ?? 0) - cpuSeconds < 0.5
      cpuSeconds = usage?.cpuSeconds ?? 0
      asked = asks
      return isQuiet
    },
    300_000,
  )
}

async function report(name: string, agent: AgentProcess, requests: () => Promise<number>): Promise<void> {
  const before = { usage: await agent.usage(), requests: await requests() }
  await sleep(watchMs)
  const after = { usage: await agent.usage(), requests: await requests() }
  const cpuSeconds = (after.usage?.cpuSeconds ?? Number.NaN) - (before.usage?.cpuSeconds ?? Number.NaN)
  const asked = after.requests - before.requests
  const perHour = (asked * 3_600_000) / watchMs
  say(
    `  ${name.padEnd(14)}CPU ${((cpuSeconds * 100_000) / watchMs).toFixed(2)} % of a core   ${asked} requests: ${perHour.toFixed(0)}/h   RSS ${((after.usage?.residentBytes ?? Number.NaN) / 1e6).toFixed(0)} MB (peak ${((after.usage?.peakBytes ?? Number.NaN) / 1e6).toFixed(0)})`,
  )
}
