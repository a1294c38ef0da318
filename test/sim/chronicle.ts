import { gunzipSync } from 'node:zlib'
import type { Inode } from './inode.ts'

/** Why a file holds other bytes than before. */
export type Cause = 'append' | 'truncate' | 'edit' | 'power' | 'rollback'

/**
 * What one file held from its beginning on: from birth, or from the truncation before, to the next one. A power cut or a
 * roll-back begins a life, too: the file goes on from bytes that it held before.
 */
export interface WrittenLife {
  /** The last is what it held at last; others were edited in place. Each holds all that was appended to it. */
  versions: Buffer[]
  beganMs: number
  end?: { cause: Cause | 'deleted'; atMs: number } | undefined
  /** Agent → the size that it was told by the system before the end, and noted, as far as the agent can still know it. */
  seen: Map<string, number>
  /** It was deleted, and a power cut undid that. */
  wasGone?: boolean
  /** An agent that knew of it lost its state, and met this life anew. */
  wasForgotten?: boolean
  /** An agent that was told its size was told a smaller one afterwards. */
  wasSeenCut: boolean
}

/** One file of one machine, whatever it was called. */
export interface WrittenFile {
  identity: string
  machine: string
  inode: Inode
  /** `copy`: what copytruncate makes; `packed`: what a compressor makes; `twin`: a file of its own with another's bytes. */
  kind: 'log' | 'copy' | 'packed' | 'twin'
  source: WrittenFile | undefined
  lives: WrittenLife[]
}

interface Line {
  /** How many files it was written to, copies that stand for their source aside. */
  writings: number
  files: Set<WrittenFile>
}

/**
 * Everything that was ever written on any machine: what the oracle judges the buckets by. It sees the model's files only,
 * never the agents' or the buckets' insides.
 */
export class Chronicle {
  readonly files: WrittenFile[] = []
  readonly #byInode = new Map<Inode, WrittenFile>()
  readonly #lastSeen = new Map<string, { life: WrittenLife; size: number; atMs: number }>()
  readonly #glimpses = new Map<WrittenLife, { agent: string; size: number; atMs: number }[]>()
  readonly lines = new Map<number, Line>()
  readonly #now: () => number
  /** Two agents have run on one machine's files at the same time. */
  hadTwoAgents = false
  /** A machine was cloned, or turned back to a snapshot: one identity has several histories. */
  hadOtherHistories = false
  #nextLine = 1

  constructor(now: () => number) {
    this.#now = now
  }

  fileOf(inode: Inode): WrittenFile | undefined {
    return this.#byInode.get(inode)
  }

  created(inode: Inode, machine: string, kind: WrittenFile['kind'] = 'log', source?: WrittenFile): WrittenFile {
    const file: WrittenFile = { identity: inode.identity, machine, inode, kind, source, lives: [] }
    file.lives.push(this.#life(Buffer.alloc(0)))
    this.files.push(file)
    this.#byInode.set(inode, file)
    return file
  }

  /**
   * A line that no file has, of this many bytes or little more. Long ones tell their number again and again: a difference in
   * the first 64 bytes only is an edit (E3), not another line.
   */
  line(padding: number): string {
    const number = `${this.#nextLine++}`
    return `<${number}${`${'.'.repeat(60)}${number}`.repeat(Math.ceil(padding / 60)).slice(0, padding)}>\n`
  }

  /** The file's bytes changed (or not). */
  observe(inode: Inode, cause: Cause): void {
    const file = this.#byInode.get(inode)
    const life = file?.lives.at(-1)
    if (file === undefined || life === undefined) return
    const before = life.versions.at(-1) as Buffer
    const now = Buffer.from(inode.bytes)
    if (now.length >= before.length && now.subarray(0, before.length).equals(before)) {
      life.versions[life.versions.length - 1] = now
      // Whole lines: copies come in pieces.
      const added = now.subarray(before.lastIndexOf(10) + 1)
      if (file.kind === 'copy' && linesOf(added).some((line) => !this.lines.has(line))) this.#becomesOwn(file)
      else this.#wrote(file, added)
      return
    }
    if (file.kind === 'copy') this.#becomesOwn(file)
    if (cause === 'edit') {
      life.versions.push(now)
      // Where an agent looks, a file that was rewritten is another life, with all its bytes; elsewhere it goes on.
      this.#wrote(file, now)
      return
    }
    life.end = { cause, atMs: this.#now() }
    this.#note(life)
    file.lives.push(this.#life(now))
    // What a truncation or a power cut leaves stands at the beginning of the next life, too.
    this.#wrote(file, now)
  }

  /** No name and no writer is left. */
  deleted(inode: Inode): void {
    const life = this.#byInode.get(inode)?.lives.at(-1)
    if (life === undefined || life.end) return
    life.end = { cause: 'deleted', atMs: this.#now() }
    this.#note(life)
  }

  /** The power came back on a machine: names that were gone may be there again, and others gone for ever. */
  restarted(machine: string): void {
    for (const file of this.files) {
      if (file.machine !== machine) continue
      const life = file.lives.at(-1)
      if (life === undefined) continue
      if (file.inode.links > 0 && life.end?.cause === 'deleted') {
        life.end = undefined
        life.wasGone = true
      } else if (file.inode.links === 0) life.end ??= { cause: 'power', atMs: this.#now() }
    }
  }

  /** The machine's disk is an older one now. */
  rolledBack(machine: string): void {
    for (const file of this.files) {
      const life = file.lives.at(-1)
      if (file.machine === machine && life) life.end ??= { cause: 'rollback', atMs: this.#now() }
    }
  }

  /** The files of a copied disk: they hold what their originals held then. */
  copied(origins: ReadonlyMap<Inode, Inode>, machine: string): void {
    this.hadOtherHistories = true
    for (const [copy, original] of origins) {
      const file = this.#byInode.get(original)
      if (file === undefined) continue
      const life = this.#life(Buffer.from(copy.bytes))
      // What was delivered before an edit is still what it once held.
      life.versions.unshift(...(file.lives.at(-1)?.versions.slice(0, -1) ?? []))
      const twin: WrittenFile = { ...file, machine, inode: copy, lives: [life] }
      this.files.push(twin)
      this.#byInode.set(copy, twin)
      // A disk that was turned back is rewritten, as after a power cut; a clone goes on beside the machine.
      if (file.machine === machine) this.#wrote(twin, copy.bytes)
      for (const line of linesOf(copy.bytes)) this.lines.get(line)?.files.add(twin)
    }
  }

  seen(agent: string, inode: Inode, size: number): void {
    const file = this.#byInode.get(inode)
    const life = file?.lives.at(-1)
    if (file === undefined || life === undefined) return
    const glimpses = this.#glimpses.get(life) ?? []
    if ((glimpses.findLast((one) => one.agent === agent)?.size ?? 0) < size)
      this.#glimpses.set(life, [...glimpses, { agent, size, atMs: this.#now() }])
    const key = `${agent} ${this.files.indexOf(file)}`
    const last = this.#lastSeen.get(key)
    // The glimpse before a look counts for nothing: an agent notes what it saw when it looks.
    const wasNoted = last?.life.end && last.life.end.atMs - last.atMs > lookedAfterMs
    if (last && wasNoted && last.life !== life && size < last.size) last.life.wasSeenCut = true
    if (last?.life !== life || last.size !== size) this.#lastSeen.set(key, { life, size, atMs: this.#now() })
  }

  /** The agent lost its memory: it knows what `knownSize` says it has on disk, of lives that it had time to note. */
  forgot(agent: string, knownSize: (identity: string) => number): void {
    for (const key of [...this.#lastSeen.keys()]) if (key.startsWith(`${agent} `)) this.#lastSeen.delete(key)
    for (const file of this.files) {
      for (const life of file.lives) {
        this.#note(life)
        const size = life.seen.get(agent)
        if (size === undefined) continue
        const wasNoted = this.#now() - life.beganMs > notedAfterMs
        const known = wasNoted ? Math.min(size, knownSize(file.identity)) : 0
        if (known === 0 && size > 0) life.wasForgotten = true
        life.seen.set(agent, known)
      }
    }
  }

  /** Every file whose bytes a stream of this identity may hold: the identity's own, and copies of them. */
  family(identity: string): WrittenFile[] {
    const belongs = (file: WrittenFile | undefined): boolean =>
      file !== undefined && (file.identity === identity || belongs(file.source))
    return this.files.filter(belongs)
  }

  /** What an agent was told a moment ago it did not look at yet. */
  #note(life: WrittenLife): void {
    for (const { agent, size, atMs } of this.#glimpses.get(life) ?? [])
      if (this.#now() - atMs > lookedAfterMs) life.seen.set(agent, Math.max(size, life.seen.get(agent) ?? 0))
    this.#glimpses.delete(life)
  }

  #life(content: Buffer): WrittenLife {
    return { versions: [content], beganMs: this.#now(), seen: new Map(), wasSeenCut: false }
  }

  /** Somebody wrote to a copy: it is a file of its own from now on, with all its lines. */
  #becomesOwn(file: WrittenFile): void {
    file.kind = 'twin'
    this.#wrote(file, file.lives.at(-1)?.versions.at(-1) ?? Buffer.alloc(0))
  }

  #wrote(file: WrittenFile, bytes: Buffer): void {
    if (file.kind === 'packed') return
    for (const number of linesOf(bytes)) {
      const line = this.lines.get(number) ?? { writings: 0, files: new Set<WrittenFile>() }
      this.lines.set(number, line)
      line.files.add(file)
      if (file.kind !== 'copy') line.writings++
    }
  }
}

/** A look follows a stat within a few system calls. */
const lookedAfterMs = 1_000

/** The agent's checkpoint is saved every second; a busy disk takes longer. */
const notedAfterMs = 3_000

const linePattern = /<(\d+)[.\d]*>\n/g

export function linesOf(bytes: Buffer): number[] {
  return placedLinesOf(bytes).map(({ line }) => line)
}

/** With the bytes that number each: from `start` to `end`. */
export function placedLinesOf(bytes: Buffer): { line: number; start: number; end: number }[] {
  return [...bytes.toString('latin1').matchAll(linePattern)].map((match) => ({
    line: Number(match[1]),
    start: match.index,
    end: match.index + match[0].length,
  }))
}

/** What the life's bytes are once they are decoded; undefined where they are none that decode. */
export function unpacked(content: Buffer): Buffer | undefined {
  try {
    return gunzipSync(content)
  } catch {
    return undefined
  }
}
