import type { Life } from './life.ts'

/** All lives that the agent knows: one current life per identity, and ended ones until their end is recorded everywhere. */
export class LifeBook {
  readonly current = new Map<string, Life>()
  readonly old = new Set<Life>()
  /** Those that came, or grew, of late. */
  readonly lively = new Set<Life>()
  readonly #byPath = new Map<string, Set<Life>>()
  /** Under the name of their first sight, where they have another one now. */
  readonly #byFirstPath = new Map<string, Set<Life>>()
  /** Every file that was there at the first complete scan was met: only then a stream's file is known to be missing. */
  isExplored = false
  /** Here, and not opened: as many files are open as may be (turns.ts). */
  waiting = new Set<Life>()
  /** Closed, though destinations that take nothing now lack something of it: it waits once they do. */
  readonly aside = new Set<Life>()
  /** Open since before a reload, and not met since: maybe no source asks for them any more. */
  unasked = new Set<Life>()
  /** Paths that the last look left out because they are old, with their source. */
  readonly leftOut = new Map<string, string>()
  /** Directories that a scan of this run has read whole. */
  readonly searched = new Set<string>()
  /** Some of them will be opened soon. */
  isTurnDue = false
  #names: Promise<unknown> = Promise.resolve()

  /** Names are gone through by one at a time, or a file would be opened twice. */
  inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#names.then(work)
    this.#names = done.catch(() => {})
    return done
  }

  add(life: Life): void {
    this.current.set(life.identity, life)
    this.lively.add(life)
    this.#index(life)
  }

  /** From the checkpoint. */
  restore(life: Life): void {
    if (life.ended) this.old.add(life)
    else this.current.set(life.identity, life)
    this.#index(life)
  }

  /** The life goes on under another name. */
  move(life: Life, path: string): void {
    this.#byPath.get(life.path)?.delete(life)
    life.path = path
    this.#index(life)
  }

  /** Its stream says how the file was called when it began, before the state was lost. */
  recall(life: Life, firstPath: string): void {
    drop(this.#byFirstPath, life.firstPath, life)
    life.firstPath = firstPath
    this.#index(life)
  }

  /** No longer the current one: its end is still to be recorded. */
  retire(life: Life): void {
    if (this.current.get(life.identity) === life) this.current.delete(life.identity)
    this.old.add(life)
    this.aside.delete(life)
  }

  forget(life: Life): void {
    if (this.current.get(life.identity) === life) this.current.delete(life.identity)
    this.old.delete(life)
    this.waiting.delete(life)
    this.aside.delete(life)
    drop(this.#byPath, life.path, life)
    drop(this.#byFirstPath, life.firstPath, life)
  }

  has(life: Life): boolean {
    return this.current.get(life.identity) === life || this.old.has(life)
  }

  *all(): Iterable<Life> {
    yield* this.current.values()
    yield* this.old
  }

  /** Lives, ended ones too, that were last seen under this path. */
  at(path: string): Iterable<Life> {
    return this.#byPath.get(path) ?? []
  }

  /**
   * Lives whose path, now or at first sight, `path` could be a copy's name of: in `directories`, the same name with
   * something taken off its end, or out of it before the extension. By look-up, so that ten thousand files cost ten
   * thousand times little.
   */
  *namesakes(path: string, directories: readonly string[]): Iterable<Life> {
    const base = path.slice(path.lastIndexOf('/') + 1)
    const extension = base.includes('.') ? base.slice(base.lastIndexOf('.')) : ''
    for (const directory of directories) {
      for (let length = 1; length < base.length; length++) {
        const stem = `${directory === '/' ? '' : directory}/${base.slice(0, length)}`
        yield* this.#everAt(stem)
        if (extension && length + extension.length < base.length) yield* this.#everAt(stem + extension)
      }
    }
  }

  #index(life: Life): void {
    const peers = this.#byPath.get(life.path) ?? new Set<Life>()
    this.#byPath.set(life.path, peers.add(life))
    const first = life.firstPath
    if (life.path !== first) this.#byFirstPath.set(first, (this.#byFirstPath.get(first) ?? new Set<Life>()).add(life))
  }

  *#everAt(path: string): Iterable<Life> {
    yield* this.at(path)
    yield* this.#byFirstPath.get(path) ?? []
  }
}

function drop(lives: Map<string, Set<Life>>, path: string, life: Life): void {
  const peers = lives.get(path)
  peers?.delete(life)
  if (peers?.size === 0) lives.delete(path)
}
