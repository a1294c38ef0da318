import { appendFile, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * What one file held from its birth, or from when it was last cut to nothing, to its end: the bytes that one stream must
 * have. The oracle has it from the writer, and keeps a copy of its own that no agent sees.
 */
export interface WrittenLife {
  host: string
  log: string
  /** Where it was born. */
  path: string
  /** `<birth>-<inode>`, as DESIGN.md section 3 spells it. */
  identity: string
  /** What the oracle keeps: the same bytes, where no agent looks. */
  copy: string
  /** Of the file that copytruncate left, which may have been read instead. */
  copyIdentity: string | undefined
  bytes: number
  /** Why nothing is appended any more; undefined: somebody still writes. */
  end: string | undefined
}

/** Everything that was ever appended, told by the writers alone. */
export class Oracle {
  readonly lives: WrittenLife[] = []
  /** Log → bytes of each of its lines, by number. */
  readonly lines = new Map<string, number[]>()
  bytes = 0
  readonly #directory: string
  #begun = 0

  constructor(directory: string) {
    this.#directory = directory
  }

  /** A life begins at `path`, which is there. */
  async begin(host: string, log: string, path: string): Promise<WrittenLife> {
    await mkdir(this.#directory, { recursive: true })
    const copy = join(this.#directory, String(this.#begun++))
    const life = {
      host,
      log,
      path,
      identity: await identify(path),
      copy,
      copyIdentity: undefined,
      bytes: 0,
      end: undefined,
    }
    await appendFile(copy, '')
    this.lives.push(life)
    return life
  }

  async appended(life: WrittenLife, text: string): Promise<void> {
    await appendFile(life.copy, text, 'latin1')
    life.bytes += text.length
    this.bytes += text.length
  }

  /** The number of the log's next line, which has `bytes`. */
  numberLine(log: string): number {
    return this.lines.get(log)?.length ?? 0
  }

  noteLine(log: string, bytes: number): void {
    const lengths = this.lines.get(log) ?? []
    lengths.push(bytes)
    this.lines.set(log, lengths)
  }

  get lineCount(): number {
    return [...this.lines.values()].reduce((sum, lengths) => sum + lengths.length, 0)
  }

  /** Of one file, oldest first: each that is not empty must be a generation. */
  livesOf(host: string, identity: string): WrittenLife[] {
    return this.lives.filter((life) => life.host === host && life.identity === identity && life.bytes > 0)
  }
}

/** Written anew on purpose: an oracle that asks the product what is right proves nothing. */
export async function identify(path: string): Promise<string> {
  const { birthtimeNs, ino } = await stat(path, { bigint: true })
  if (birthtimeNs <= 0n) return `0-${ino.toString(36)}`
  const seconds = new Date(Number(birthtimeNs / 1_000_000n)).toISOString().slice(0, 19)
  const fraction = String(birthtimeNs % 1_000_000_000n).padStart(9, '0')
  return `${seconds.replaceAll(/[-:]/g, '')}${fraction}Z-${ino.toString(36)}`
}
