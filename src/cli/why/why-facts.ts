import type { Comparison } from '../../agent/identity/evidence.ts'

/** Everything that `why` found out about one path. Plain data. */
export interface WhyFacts {
  path: string
  /** What the name stands for now; undefined: no regular file. */
  file: WhyFile | undefined
  /** The name is a symbolic link that no source follows. */
  isLink: boolean
  agent: 'running' | 'silent' | 'stopped'
  source: WhySource
  /** The checkpoint's record of the file (or, where there is none, of the last one of that name). */
  record: WhyRecord | undefined
  /** What was asked of the destinations themselves. */
  asked: readonly WhyAnswer[]
  /** Files of the checkpoint whose copy this could be, by its name. */
  copyOf: readonly string[]
}

export interface WhyFile {
  identity: string
  /** ISO 8601; undefined where the file system does not record it. */
  born: string | undefined
  bytes: number
}

export type WhySource =
  | { kind: 'matched'; name: string }
  | { kind: 'excluded'; name: string; patterns: readonly string[] }
  /** It had not changed for longer than the source's `since` (milliseconds). */
  | { kind: 'too old'; name: string; sinceMs: number }
  | { kind: 'none'; patterns: readonly string[] }
  /** There is no configuration to ask. */
  | { kind: 'unknown' }

export interface WhyRecord {
  identity: string
  /** Of the file that the name stands for now (E2). */
  isSameFile: boolean
  source: string
  firstPath: string
  lastPath: string
  /** When last looked at. */
  bytes: number
  copyReason: string | undefined
  ended: 'truncated' | 'gone' | 'unspooled' | undefined
  deliveries: readonly WhyDelivery[]
}

export interface WhyDelivery {
  destination: string
  stream: string | undefined
  acked: number
  /** The file now against what was acked, and against what this agent itself confirmed (E3). */
  sent: Comparison | undefined
  confirmed: Comparison | undefined
  sealed: { length: number; sha256: string } | undefined
  hasGap: boolean
  forkOf: string | undefined
  /** The destination's trouble, as the running agent tells it. */
  problem: string | undefined
}

/** What a destination has under the file's identity. */
export interface WhyAnswer {
  destination: string
  /** It did not answer: nothing is known, and nothing decided (I4). */
  problem: string | undefined
  generations: readonly WhyGeneration[]
  /** Streams that an alias says this file holds. */
  aliases: readonly string[]
  /** The generation to continue, and the number of the next one. */
  resumes: string | undefined
  next: string
}

export interface WhyGeneration {
  stream: string
  length: number
  comparison: Comparison
  isEnded: boolean
  sealed: { length: number; sha256: string } | undefined
  gaps: readonly { offset: number; end: number | 'open'; reason: string }[]
}
