import type { SourceSettings } from '../context.ts'
import type { OpenFile } from '../files/files.ts'
import type { Completion } from './completion.ts'

/** A file of a `when-complete` source, as far as it is known. */
export interface WholeFile {
  identity: string
  /** Where it was last seen. */
  path: string
  /** Where it was first seen: under another name now, it was rotated. */
  firstPath: string
  source: string
  /** Found by this run. What only the records know is not what a one-shot run was asked for. */
  isMet: boolean
  /** When last looked at. */
  stamp: string
  size: number
  modifiedMs: number
  completion: Completion
  /** It was rotated away, or the period in its name is over. */
  isOverByName: boolean
  /** What was read of it when it was complete; what was delivered is that. */
  content: WholeContent | undefined
  /** By destination. */
  deliveries: Map<string, WholeDelivery>
  /** Destinations that it is under way to. */
  busy: Set<string>
  /** Held while a destination lacks it: what becomes of its name costs no byte (whole-rescue.ts). */
  file?: OpenFile | undefined
  /** No name of it is found any more; `unlinkedAtMs`: since when it has none at all (monotonic). */
  isNameless?: boolean | undefined
  unlinkedAtMs?: number | undefined
  /** The spool could not take it: it is lost with this process. */
  isUnspooled?: boolean | undefined
  /** By destination, what stands in its way there; tried again when the file changes, or then (monotonic). */
  problems: Map<string, { message: string; notBeforeMs: number }>
}

export interface WholeContent {
  length: number
  sha256: string
  /** The file's stamp when this was read. */
  stamp: string
}

export interface WholeDelivery {
  key: string
  length: number
  sha256: string
  /** Seen there in this run. */
  isSeen: boolean
}

export type WholeEvent =
  | {
      kind: 'delivered'
      file: WholeFile
      destination: string
      key: string
      how: 'sent' | 'there'
      /** Other content has the name that it should have. */
      isSecond: boolean
      /** It had been delivered, and has other content now. */
      hasChanged: boolean
    }
  | { kind: 'lost'; file: WholeFile; destinations: string[] }
  /** `to`: where it was moved; undefined: deleted. */
  | { kind: 'removed'; file: WholeFile; to: string | undefined }

/** All of the file, as it is now, is in the destination's bucket. */
export function isDelivered(file: WholeFile, destination: string): boolean {
  const { content } = file
  const delivery = file.deliveries.get(destination)
  return content !== undefined && content.stamp === file.stamp && delivery?.sha256 === content.sha256
}

/** It may be tried there now. */
export function isDueAt(file: WholeFile, destination: string, monotonicMs: number): boolean {
  if (isDelivered(file, destination) && file.deliveries.get(destination)?.isSeen) return false
  return (file.problems.get(destination)?.notBeforeMs ?? 0) <= monotonicMs
}

/** Deleted files that nobody could keep, and that are not everywhere: what a stop loses. */
export function unspooledWholes(wholes: {
  met: readonly WholeFile[]
  isEverywhere(file: WholeFile): boolean
}): WholeFile[] {
  return wholes.met.filter((file) => file.isUnspooled === true && !wholes.isEverywhere(file))
}

/** The names of the destinations that get the source's files. */
export function destinationsOf(source: SourceSettings | undefined, all: readonly string[]): readonly string[] {
  return source?.to ?? all
}

/** It is complete, and all of it was not yet seen there in this run. */
export function isPendingAt(file: WholeFile, destination: string, destinations: readonly string[]): boolean {
  if (file.completion.kind !== 'complete' || !destinations.includes(destination)) return false
  return !isDelivered(file, destination) || file.deliveries.get(destination)?.isSeen !== true
}
