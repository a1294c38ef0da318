import { dirname } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { periodIn } from '../../format/period.ts'
import type { SourceSettings } from '../context.ts'
import { type FileHint, type Files, type Scan, wasSearched } from '../files/files.ts'
import type { Writers } from '../files/writers.ts'
import { type CompletionFacts, completionOf, rotatedFrom } from './completion.ts'
import type { WholeFile } from './whole-file.ts'
import type { WholeRecord } from './whole-records.ts'

export interface BookParts {
  clock: Clock
  files: Files
  sources: readonly SourceSettings[]
  findWriters: () => Promise<Writers>
  problem: (path: string, message: string, hint?: string | undefined) => void
}

/** The files of `when-complete` sources: found, followed through renames, and judged. */
export class WholeBook {
  readonly files = new Map<string, WholeFile>()
  readonly #parts: BookParts
  readonly #sources: ReadonlyMap<string, SourceSettings>
  /** A one-shot run is about what was there when it began. */
  isClosed = false

  constructor(parts: BookParts) {
    this.#parts = parts
    this.#sources = new Map(parts.sources.map((source) => [source.name, source]))
  }

  restore(records: readonly WholeRecord[], isSeen: boolean): void {
    for (const record of records) {
      const deliveries = Object.entries(record.deliveries).map(([name, one]) => [name, { ...one, isSeen }] as const)
      const file = {
        ...fresh(record),
        ...record,
        content: record.content,
        deliveries: new Map(deliveries),
        isMet: isSeen,
      }
      if (file.content?.stamp === file.stamp) file.completion = { kind: 'complete', by: 'known' }
      this.files.set(record.identity, file)
    }
  }

  sourceOf(file: WholeFile): SourceSettings | undefined {
    return this.#sources.get(file.source)
  }

  /** Takes in a scan. `isDone`: whatever becomes of that file, nothing has to be done about it. Answers with the files that are not there any more, and with those that have changed. */
  async apply(
    scan: Scan,
    isDone: (file: WholeFile) => boolean = () => false,
  ): Promise<{ gone: WholeFile[]; changed: WholeFile[] }> {
    for (const { path, errno } of scan.problems) this.#parts.problem(path, `cannot be searched: ${errno}`, searchHint)
    const before = new Map([...this.files].map(([identity, { path, stamp }]) => [identity, `${path}\n${stamp}`]))
    const seen = new Set<string>()
    for (const [path, name] of scan.found) {
      const source = this.#sources.get(name)
      if (source?.whole === undefined) continue
      const hint = this.#parts.files.peek(path, source.followSymlinks)
      if (hint === undefined || seen.has(hint.identity)) continue
      const known = this.files.get(hint.identity)
      // Of several names of one file the one counts that it had before.
      if (known && known.path !== path && scan.found.has(known.path) && this.#isAt(known, source)) continue
      seen.add(hint.identity)
      if (known) Object.assign(known, { path, source: name, isMet: true, isNameless: false })
      if (known?.stamp !== hint.stamp) this.#look(path, source, hint)
    }
    const gone = await this.#missing(scan, seen, isDone)
    const isChanged = ({ identity, path, stamp }: WholeFile): boolean => before.get(identity) !== `${path}\n${stamp}`
    return { gone, changed: [...this.files.values()].filter(isChanged) }
  }

  #isAt(file: WholeFile, source: SourceSettings): boolean {
    return this.#parts.files.peek(file.path, source.followSymlinks)?.identity === file.identity
  }

  /** By its name alone: whoever reads it opens it, and compares the stamp. */
  #look(path: string, source: SourceSettings, { identity, size, stamp, modifiedMs }: FileHint): void {
    const known = this.files.get(identity)
    if (known) Object.assign(known, { size, stamp, modifiedMs, problems: new Map() })
    else if (!this.isClosed && !this.#isTooOld(modifiedMs, source))
      this.files.set(identity, fresh({ identity, path, firstPath: path, source: source.name, stamp, size, modifiedMs }))
  }

  #isTooOld(modifiedMs: number, { sinceMs }: SourceSettings): boolean {
    return sinceMs !== undefined && this.#parts.clock.now() - modifiedMs > sinceMs
  }

  async #missing(scan: Scan, seen: ReadonlySet<string>, isDone: (file: WholeFile) => boolean): Promise<WholeFile[]> {
    const gone: WholeFile[] = []
    let searches = 0
    for (const file of this.files.values()) {
      // Only in a directory that was read whole, or is gone itself, is a name gone (I4).
      if (seen.has(file.identity) || !wasSearched(scan, dirname(file.path))) continue
      if (file.file !== undefined) loseName(file)
      else if (isDone(file)) gone.push(file)
      else if (searches++ < searchesMax) {
        const path = await this.#parts.files.find(file.identity, [dirname(file.path)])
        if (path === undefined) gone.push(file)
        else if (path !== file.path) Object.assign(file, { path, isMet: true })
      }
    }
    return gone
  }

  /** Judges the files that `isOpen` names. The next moment (wall clock) at which one could be complete. */
  async judge(scan: Scan, isOpen: (file: WholeFile) => boolean): Promise<number | undefined> {
    let writers: Promise<Writers> | undefined
    let nextMs: number | undefined
    for (const file of this.files.values()) {
      const source = this.#sources.get(file.source)
      if (source?.whole === undefined || !isOpen(file)) continue
      const facts = this.#factsOf(file, source.whole, scan)
      file.isOverByName = facts.isRotated || facts.period !== undefined
      file.completion = file.content?.stamp === file.stamp ? { kind: 'complete', by: 'known' } : completionOf(facts)
      // What only the spool has, nobody writes to.
      if (file.file?.keptFrom !== undefined) file.completion = { kind: 'complete', by: 'known' }
      if (file.completion.kind === 'complete' && file.completion.by === 'known') continue
      // Looking at every process is worth it only where nothing else is in the way.
      if (file.completion.kind === 'complete') {
        writers ??= this.#parts.findWriters()
        file.completion = completionOf({ ...facts, writer: this.#writerOf(file, source, await writers) })
      }
      const untilMs = file.completion.kind === 'held' ? file.completion.untilMs : undefined
      if (untilMs !== undefined) nextMs = Math.min(nextMs ?? untilMs, untilMs)
    }
    return nextMs
  }

  #writerOf(file: WholeFile, { followSymlinks }: SourceSettings, writers: Writers): 'none' | 'some' | 'unknown' {
    const at = file.isNameless ? file.file?.stat() : this.#parts.files.peek(file.path, followSymlinks)
    if (at?.device === undefined || at.inode === undefined) return 'unknown'
    if (writers.has({ dev: at.device, ino: at.inode })) return 'some'
    return writers.isComplete ? 'none' : 'unknown'
  }

  #factsOf(
    file: WholeFile,
    { idleMs, periodMs, isLast }: NonNullable<SourceSettings['whole']>,
    scan: Scan,
  ): CompletionFacts {
    const nowMs = this.#parts.clock.now()
    const has = (path: string): boolean => path !== file.path && scan.found.get(path) === file.source
    return {
      nowMs,
      modifiedMs: Math.min(file.modifiedMs, nowMs),
      isRotated: file.isNameless === true || file.path !== file.firstPath || rotatedFrom(file.path, has) !== undefined,
      writer: 'none',
      // Whoever deletes a file does not wait for the end of its hour.
      period: file.isNameless ? undefined : periodIn(file.path.slice(file.path.lastIndexOf('/') + 1)),
      idleMs,
      periodMs,
      isLast,
    }
  }
}

/** Each goes through a whole directory: what a scan does not come to, the next one does. */
const searchesMax = 50

const searchHint = 'let this user read and search it (chmod o+rx, an ACL, or CAP_DAC_READ_SEARCH)'

/** It is held: what it has now is asked of its descriptor. */
function loseName(file: WholeFile): void {
  const stat = file.file?.stat()
  if (stat === undefined) return
  const { size, stamp, modifiedMs, links } = stat
  if (stamp !== file.stamp) file.problems.clear()
  Object.assign(file, {
    isNameless: true,
    size,
    stamp,
    modifiedMs: links === 0 && modifiedMs === 0 ? file.modifiedMs : modifiedMs,
  })
}

type Sight = Pick<WholeFile, 'identity' | 'path' | 'firstPath' | 'source' | 'stamp' | 'size' | 'modifiedMs'>

function fresh(sight: Sight): WholeFile {
  return {
    ...sight,
    isMet: true,
    completion: { kind: 'held', why: 'it was not looked at yet' },
    isOverByName: false,
    content: undefined,
    deliveries: new Map(),
    busy: new Set(),
    problems: new Map(),
  }
}
