import { sinkRoot } from './server-slot.ts'
import type { StepKinds } from './steps.ts'

/** What becomes of the compactors and their directories. */
export const serverSteps: StepKinds = {
  'compactor kill': (world, random) => {
    const running = world.servers.filter((server) => server.isRunning)
    if (running.length === 0) return false
    const server = random.pick(running)
    server.kill()
    world.clock.timer(random.pick([0, 100, 10_000]), () => server.start())
    return true
  },
  'torn write': (world, random) => {
    if (world.servers.length === 0) return false
    const server = random.pick(world.servers)
    server.kill()
    const lost = server.disk.powerCut(random)
    world.counts.add('server power cut lost bytes', Math.min(1, lost.bytes + lost.nuls))
    if (random.chance(0.3)) {
      for (const [path, inode] of server.disk.within(`${sinkRoot}/.logcask/streams`))
        if (inode.kind === 'file') server.disk.unlink(path)
      world.counts.add('server records lost')
    }
    server.recollect()
    world.clock.timer(random.pick([0, 100, 10_000]), () => server.start())
    return true
  },
  'server disk full': (world, random) => {
    if (world.servers.length === 0) return false
    const server = random.pick(world.servers)
    server.disk.isFull = true
    world.clock.timer(random.int(500, 20_000), () => {
      server.disk.isFull = false
      server.start()
    })
    return true
  },
  'second compactor': async (world, random) => {
    const running = world.servers.filter((server) => server.isRunning)
    if (running.length === 0) return false
    const server = random.pick(running)
    if (server.disk.locks.size === 0) return false
    const answer = await world.clock.run(server.intrude(), 60_000)
    if (answer === 'let in') world.failures.push('I8: two compactors were let into one directory')
    return true
  },
}
