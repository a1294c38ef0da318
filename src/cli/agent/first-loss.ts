/** What the first possible loss is told from. Plain data; rates are those of the last hour, undefined while not known. */
export interface LossFacts {
  nowMs: number
  /** Whether somebody keeps descriptors and the spool for what is deleted. */
  isRunning: boolean
  /** Undelivered bytes at the destination that is the furthest behind, and since when they wait. */
  behindBytes: number
  oldestSeconds: number
  /** What all files together grow by. */
  bytesPerSecond: number | undefined
  /** `bytesMax` undefined: there is no bound that is known. */
  spool: { bytes: number; bytesMax?: number | undefined } | undefined
  disks: readonly DiskFacts[]
}

export interface DiskFacts {
  /** A directory with files of ours. */
  path: string
  freeBytes: number
  /** What its free space shrinks by, whoever writes there. */
  bytesPerSecond?: number | undefined
}

export interface FirstLoss {
  /** Milliseconds since 1970; not after now: from now on. */
  atMs: number
  reason: 'spool full' | 'disk full' | 'no agent runs'
  /** For people. */
  because: string
}

/** What is delivered within that is no backlog: it is on its way. */
export const onItsWaySeconds = 60
/** Beyond it a rate of the last hour says nothing. */
const horizonMs = 30 * 86_400_000

/**
 * When the first byte could be lost if everything goes on as in the last hour, and every rotation deletes what it can:
 * nobody knows what a rotation will delete, so what could be deleted counts. Undefined where no loss is in sight. Pure.
 */
export function firstLoss(facts: LossFacts): FirstLoss | undefined {
  const found = [whileStopped(facts), spoolFull(facts), ...facts.disks.map((disk) => diskFull(facts, disk))]
  return found
    .filter((loss) => loss !== undefined)
    .filter(({ atMs }) => atMs - facts.nowMs <= horizonMs)
    .sort((a, b) => a.atMs - b.atMs)[0]
}

function whileStopped({ isRunning, behindBytes, nowMs }: LossFacts): FirstLoss | undefined {
  if (isRunning || behindBytes === 0) return undefined
  return { atMs: nowMs, reason: 'no agent runs', because: 'what is deleted before it is delivered is lost' }
}

/** A file that is deleted undelivered goes to the spool; what does not fit there is lost. */
function spoolFull(facts: LossFacts): FirstLoss | undefined {
  const { isRunning, behindBytes, bytesPerSecond = 0, nowMs, spool } = facts
  if (!isRunning || spool?.bytesMax === undefined) return undefined
  if (behindBytes === 0 || facts.oldestSeconds < onItsWaySeconds) return undefined
  const room = spool.bytesMax - spool.bytes - behindBytes
  if (room > 0 && bytesPerSecond <= 0) return undefined
  return {
    atMs: room <= 0 ? nowMs : nowMs + (room / bytesPerSecond) * 1000,
    reason: 'spool full',
    because: 'if rotations delete what is undelivered, it no longer fits in the spool',
  }
}

/** Then those who write the files lose what they could not write, and nobody can deliver it. */
function diskFull({ nowMs }: LossFacts, { path, freeBytes, bytesPerSecond }: DiskFacts): FirstLoss | undefined {
  const because = `nobody can write to ${path} any more`
  if (freeBytes === 0) return { atMs: nowMs, reason: 'disk full', because }
  if (bytesPerSecond === undefined || bytesPerSecond <= 0) return undefined
  return { atMs: nowMs + (freeBytes / bytesPerSecond) * 1000, reason: 'disk full', because }
}
