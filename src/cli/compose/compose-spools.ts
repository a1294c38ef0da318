import { join } from 'node:path'
import { Spool } from '../../agent/spool/spool.ts'
import { SpoolFiles } from '../../agent/spool/spool-files.ts'
import { WholeSpool, type WholeSpoolRecord } from '../../agent/whole/whole-spool.ts'

/** The rescue spool, in two rooms that share one bound. */
export function composeSpools(directory: string, bytesMax: number): { streams: Spool; wholes: WholeSpool } {
  const files = new SpoolFiles<WholeSpoolRecord>(join(directory, 'whole'))
  const wholes: WholeSpool = new WholeSpool(files, () => bytesMax - streams.bytes - wholes.bytes)
  const streams = new Spool(new SpoolFiles(directory), bytesMax, () => wholes.bytes)
  return { streams, wholes }
}
