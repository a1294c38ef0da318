import { gzipSync } from 'node:zlib'
import type { SeededRandom } from '../support/seeded-random.ts'
import type { Inode } from './inode.ts'
import { archive, type Machine } from './machine.ts'
import { logNames } from './setup.ts'
import type { StepKinds } from './steps.ts'
import type { World } from './world.ts'

/** What programs and people do to log files. Each answers whether it really did something. */
export const fileSteps: StepKinds = {
  append: (world, random, machine) => append(world, random, machine, random.pick(logNames)),
  'append after rotation': (world, random, machine) => {
    const held = [...machine.held].filter(([path, inode]) => machine.file(path) !== inode)
    if (held.length === 0) return false
    const [path, inode] = random.pick(held)
    write(world, random, machine, path, inode)
    return true
  },
  'append to any': (world, random, machine) => {
    const path = pickFile(random, machine)
    const inode = path && machine.file(path)
    if (!path || !inode || path.endsWith('.gz')) return false
    write(world, random, machine, path, inode)
    return true
  },
  reopen: (_, random, machine) => {
    const held = [...machine.held.keys()]
    if (held.length === 0) return false
    machine.letGo(random.pick(held))
    return true
  },
  rotate: (world, random, machine) => rotate(world, random, machine, (path) => `${path}.1`, false),
  'rotate chain': (world, random, machine) => rotate(world, random, machine, (path) => `${path}.1`, true),
  'rotate by date': (world, random, machine) => {
    const stamp = 20261120 + random.int(0, 3)
    return rotate(world, random, machine, (path) => path.replace(/\.log$/, `-${stamp}.log`), false)
  },
  'rotate to olddir': (world, random, machine) =>
    rotate(world, random, machine, (path) => path.replace('/logs/', '/logs/old/').concat('.1'), false),
  copytruncate,
  compress,
  delete: (_, random, machine) => {
    const path = pickFile(random, machine)
    if (path === undefined) return false
    machine.unlink(path)
    if (random.chance(0.5)) machine.letGo(path)
    return true
  },
  recreate: (world, random, machine) => {
    const path = random.pick(logNames)
    if (machine.file(path) === undefined || machine.busy.has(path)) return false
    machine.unlink(path)
    machine.letGo(path)
    return append(world, random, machine, path)
  },
  'replace by rename': (world, random, machine) => {
    const path = random.pick(logNames)
    const old = machine.file(path)
    if (old === undefined || machine.busy.has(path)) return false
    const temporary = `${path}.tmp`
    const inode = machine.create(temporary, 'twin', machine.chronicle.fileOf(old))
    if (random.chance(0.5)) machine.append(temporary, inode, old.bytes)
    write(world, random, machine, temporary, inode)
    machine.letGo(temporary)
    machine.rename(temporary, path)
    machine.letGo(path)
    return true
  },
  truncate: (world, random, machine) => {
    const path = pickFile(random, machine)
    const inode = path && machine.file(path)
    if (!path || !inode || inode.size === 0) return false
    machine.truncate(path, inode, random.pick([0, 0, random.int(0, inode.size - 1)]))
    if (random.chance(0.5)) write(world, random, machine, path, inode)
    return true
  },
  'rewrite in bursts': (world, random, machine) => {
    const path = random.pick(logNames)
    const inode = machine.file(path)
    if (inode === undefined || machine.busy.has(path)) return false
    // Again and again while somebody may be reading it, and never shorter than before.
    for (let burst = random.int(2, 8), ms = 0; burst > 0; burst--) {
      ms += random.pick([0.1, 0.3, 1, 4, 20])
      world.later(machine, ms, () => {
        if (machine.file(path) !== inode || machine.busy.has(path)) return
        const before = inode.size
        machine.truncate(path, inode, 0)
        while (inode.size <= before) write(world, random, machine, path, inode)
      })
    }
    return true
  },
  edit: (_, random, machine) => {
    const path = pickFile(random, machine)
    const inode = path && machine.file(path)
    if (!path || !inode || inode.size < 8 || path.endsWith('.gz')) return false
    const at = random.pick([0, random.int(0, Math.min(60, inode.size - 4)), random.int(0, inode.size - 4)])
    machine.edit(path, inode, Buffer.from('EDIT'), at)
    return true
  },
  copy: (_, random, machine) => {
    const path = pickFile(random, machine)
    const inode = path && machine.file(path)
    const to = random.pick(['/logs/copy', `${path}.bak`, `${path}.orig`, '/logs/old/copy'])
    if (!path || !inode || inode.size === 0 || machine.file(to)) return false
    const copy = machine.create(to, ...twinOf(machine, inode))
    machine.append(to, copy, inode.bytes)
    return true
  },
  'hard link': (_, random, machine) => {
    const path = pickFile(random, machine)
    const to = `${path}.link`
    if (!path || machine.disk.lookUp(to, false)) return false
    machine.link(path, to)
    return true
  },
  'move across file systems': (_, random, machine) => {
    const path = pickFile(random, machine)
    const inode = path && machine.file(path)
    if (!path || !inode) return false
    const to = path.startsWith(archive)
      ? `/logs/${path.slice(archive.length + 1)}`
      : `${archive}/${path.slice(path.lastIndexOf('/') + 1)}`
    if (machine.file(to)) return false
    const copy = machine.create(to, ...twinOf(machine, inode))
    machine.append(to, copy, inode.bytes)
    machine.unlink(path)
    return true
  },
  'symlink switch': (_, random, machine) => {
    const path = pickFile(random, machine)
    if (!path) return false
    const link = '/logs/current'
    if (machine.disk.lookUp(link, false)) machine.unlink(link)
    machine.symlink(path, link)
    return true
  },
  sync: (_, __, machine) => {
    machine.disk.syncAll()
    return true
  },
  'directory unreadable': (world, random, machine) => {
    if (machine.disk.unreadable.size > 0) return false
    const directory = random.pick(['/logs', '/logs/old'])
    machine.disk.unreadable.add(directory)
    world.later(machine, random.int(100, 20_000), () => machine.disk.unreadable.clear())
    return true
  },
}

function append(world: World, random: SeededRandom, machine: Machine, path: string): boolean {
  if (machine.busy.has(path) && machine.file(path) === undefined) return false
  write(world, random, machine, path, machine.file(path) ?? machine.create(path))
  return true
}

/** Lines that no file has; a file begins with the header that all have. */
function write(world: World, random: SeededRandom, machine: Machine, path: string, inode: Inode): void {
  let text = inode.size === 0 ? '#'.repeat(world.setup.header) : ''
  const lines = random.int(1, 4)
  for (let line = 0; line < lines; line++) text += machine.chronicle.line(random.pick(world.setup.paddings))
  machine.append(path, inode, text)
  machine.hold(path, inode)
}

/** A copy of a compressed file is one, too. */
function twinOf(machine: Machine, inode: Inode): ['twin' | 'packed', ReturnType<Machine['chronicle']['fileOf']>] {
  const file = machine.chronicle.fileOf(inode)
  return [file?.kind === 'packed' ? 'packed' : 'twin', file]
}

function pickFile(random: SeededRandom, machine: Machine): string | undefined {
  const paths = machine
    .files()
    .map(([path]) => path)
    .filter((path) => !machine.busy.has(path))
  return paths.length > 0 ? random.pick(paths) : undefined
}

function rotate(
  world: World,
  random: SeededRandom,
  machine: Machine,
  target: (path: string) => string,
  isChain: boolean,
): boolean {
  const path = random.pick(logNames)
  if (machine.file(path) === undefined || machine.busy.has(path)) return false
  const to = target(path)
  if (machine.busy.has(to)) return false
  if (isChain)
    for (let number = 3; number >= 1; number--)
      if (machine.file(`${path}.${number}`) && !machine.busy.has(`${path}.${number}`))
        machine.rename(`${path}.${number}`, `${path}.${number + 1}`)
  machine.rename(path, to)
  if (random.chance(0.7)) {
    machine.letGo(path)
    append(world, random, machine, path)
  }
  return true
}

/** logrotate's: the copy grows in pieces, then the source is cut; what was appended in between is lost to both. */
function copytruncate(world: World, random: SeededRandom, machine: Machine): boolean {
  const path = random.pick(logNames)
  const source = machine.file(path)
  if (source === undefined || source.size === 0 || machine.busy.has(path)) return false
  // See `isCopying` (agent-steps.ts).
  if (world.agentsOf(machine).some((slot) => slot.isRunning && slot.isOneShot)) return false
  const to = random.pick([`${path}.1`, `${path}.1`, path.replace(/\.log$/, `-2026112${random.int(0, 9)}.log`)])
  if (machine.busy.has(to)) return false
  const isChain = random.chance(0.3)
  if (machine.file(to)) {
    if (isChain && !machine.busy.has(`${path}.2`)) machine.rename(to, `${path}.2`)
    else machine.unlink(to)
  }
  const copy = machine.create(to, 'copy', machine.chronicle.fileOf(source))
  machine.busy.add(path).add(to)
  const content = Buffer.from(source.bytes)
  const cut = random.int(0, content.length)
  machine.append(to, copy, content.subarray(0, cut))
  const [first, second] = [random.pick([0, 1, 5, 400]), random.pick([0, 1, 5, 400, 2_000])]
  world.later(machine, first, () => machine.append(to, copy, content.subarray(cut)))
  world.later(machine, first + second, () => {
    machine.truncate(path, source, 0)
    machine.busy.delete(path)
    machine.busy.delete(to)
    world.counts.add('copytruncate done')
  })
  if (random.chance(0.7))
    world.later(machine, first + second + random.pick([1, 30, 3_000]), () => {
      if (machine.file(path) === source) write(world, random, machine, path, source)
    })
  return true
}

/** gzip's: the packed file grows in pieces, then the original goes. */
function compress(world: World, random: SeededRandom, machine: Machine): boolean {
  const candidates = machine
    .files()
    .map(([path]) => path)
    .filter((path) => /\.\d$|-\d{8}\.log$/.test(path) && !machine.busy.has(path) && !machine.file(`${path}.gz`))
  if (candidates.length === 0) return false
  const path = random.pick(candidates)
  const original = machine.file(path)
  if (original === undefined || original.size === 0) return false
  const to = `${path}.gz`
  const packed = gzipSync(original.bytes)
  const target = machine.create(to, 'packed', machine.chronicle.fileOf(original))
  machine.busy.add(path).add(to)
  const middle = packed.length >> 1
  machine.append(to, target, packed.subarray(0, middle))
  const [first, second] = [random.pick([0, 5, 500]), random.pick([0, 5, 500])]
  world.later(machine, first, () => machine.append(to, target, packed.subarray(middle)))
  world.later(machine, first + second, () => {
    machine.unlink(path)
    machine.letGo(path)
    machine.busy.delete(path)
    machine.busy.delete(to)
    world.counts.add('compressed')
  })
  return true
}
