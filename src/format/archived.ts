import type { Metadata } from './segment.ts'
import { decodeWholeHeader, encodeWholeHeader, type WholeHeader } from './whole.ts'

/** What an archived stream says about itself; host, stream and length are in its key. */
export interface ArchivedHeader extends WholeHeader {
  /** A seal said that this is all of it; else it was quiet for long, and more may follow in an object of its own. */
  isSealed: boolean
}

export function encodeArchivedHeader(header: ArchivedHeader): Metadata {
  return { ...encodeWholeHeader(header), sealed: header.isSealed ? 'yes' : 'no' }
}

/** Undefined for an object that says nothing of the kind. Rejects with `corrupt`; `what` names the object. */
export function decodeArchivedHeader(metadata: Metadata, what: string): ArchivedHeader | undefined {
  const header = decodeWholeHeader(metadata, what)
  return header && { ...header, isSealed: metadata.sealed === 'yes' }
}
