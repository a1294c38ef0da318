import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { corrupt, decodeRecord, encodeRecord } from '../format/record.ts'
import type { Metadata } from '../format/segment.ts'
import { unlessAbsent } from './directory-errors.ts'

/**
 * Metadata lies beside its object, in `.meta/<name>/<SHA-256 of the body>`, and is there before the object is: so the
 * link that makes the object decides about both. What the losers of a race left names other bodies. (Two creators of
 * equal bytes at the same moment: the object has the metadata of the first of them.)
 */
export function metadataPath(objectPath: string, bodySha256: string): string {
  return join(metadataDirectory(objectPath), bodySha256)
}

export function encodeMetadata(metadata: Metadata): Uint8Array {
  return Buffer.from(`${encodeRecord({ metadata })}\n`)
}

/** The metadata of the object whose body `hashBody` hashes; it is called only where some metadata was ever sent for that name. */
export async function readMetadata(objectPath: string, hashBody: () => Promise<string>): Promise<Metadata> {
  const hashes = await unlessAbsent(readdir(metadataDirectory(objectPath)))
  if (hashes === undefined || hashes.length === 0) return {}
  const bodySha256 = await hashBody()
  if (!hashes.includes(bodySha256)) return {}
  const path = metadataPath(objectPath, bodySha256)
  const metadata = decodeRecord(await readFile(path), path).metadata
  if (typeof metadata !== 'object' || metadata === null) throw corrupt(path, 'has no metadata')
  const entries = Object.entries(metadata)
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string'))
    throw corrupt(path, '"metadata" has a value that is not a string')
  return Object.fromEntries(entries)
}

function metadataDirectory(objectPath: string): string {
  return join(dirname(objectPath), '.meta', basename(objectPath))
}
