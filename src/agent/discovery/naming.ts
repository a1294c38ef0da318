import { basename } from 'node:path'
import { sha256 } from '../../base/hash.ts'
import { pathToBytes } from '../../base/path-bytes.ts'
import { expandTemplate } from '../../base/template.ts'
import type { AgentSettings, SourceSettings } from '../context.ts'
import type { FileHint } from '../files/files.ts'

/** A template, or what a regular expression makes of the path. */
export type Rename = string | { from: string; to: string }

/** With labels of the longest kind beside it, an origin still fits 2 KB. */
const nameLengthMax = 400
/** As of labels that are set (config/naming-schema.ts). */
const labelLengthMax = 128
const labelBytesMax = 512

/**
 * The labels of a file at first sight: those of its source, and under `name` what the source calls it. It is made once,
 * and only names: which stream a file is, it never decides. `hint` is what the name stands for now, where it still does.
 */
export function labelsOf(
  settings: Pick<AgentSettings, 'host' | 'machine' | 'instance'>,
  source: Pick<SourceSettings, 'name' | 'labels' | 'labelsFrom' | 'rename'>,
  path: string,
  hint: FileHint | undefined,
  nowMs: number,
): Record<string, string> | undefined {
  const { rename } = source
  const labels = withFound(source, path)
  if (rename === undefined) return labels
  const none = { accessedMs: nowMs, modifiedMs: nowMs, changedMs: nowMs, device: 0n, inode: 0n }
  const { accessedMs, modifiedMs, changedMs, device, inode } = hint ?? none
  const values: Readonly<Record<string, string>> = {
    name: source.name,
    filename: basename(path),
    path: path.replace(/^\/+/, ''),
    time: String(nowMs),
    atime: String(Math.floor(accessedMs)),
    mtime: String(Math.floor(modifiedMs)),
    ctime: String(Math.floor(changedMs)),
    ino: String(inode),
    dev: String(device),
    host: settings.host,
    machine_id: settings.machine ?? '',
    instance_id: settings.instance?.instanceId ?? '',
    aws_userid: settings.instance?.awsUserId ?? '',
  }
  const name = renamed(rename, path, (one) => values[one] ?? '')
  return name === undefined ? labels : { ...labels, name: fitting(name, nameLengthMax) }
}

/** Undefined for a path that the expression does not match: it keeps its own. */
function renamed(rename: Rename, path: string, toValue: (name: string) => string): string | undefined {
  if (typeof rename === 'string') return expandTemplate(rename, toValue)
  const from = new RegExp(rename.from, 'u')
  // What stands for a value must not be read as a group.
  const to = expandTemplate(rename.to, (name) => toValue(name).replaceAll('$', '$$$$'))
  return from.test(path) ? path.replace(from, to) : undefined
}

/** The labels that are set, and those that the path holds, as far as there is room for them. */
function withFound(
  { labels, labelsFrom }: Pick<SourceSettings, 'labels' | 'labelsFrom'>,
  path: string,
): Record<string, string> | undefined {
  const groups = labelsFrom === undefined ? undefined : new RegExp(labelsFrom, 'u').exec(path)?.groups
  if (groups === undefined) return labels && { ...labels }
  const all: Record<string, string> = { ...labels }
  for (const [name, value] of Object.entries(groups)) {
    // What cannot be seen has no place in a label; a group that took no part, and an empty one, say nothing.
    const shown = fitting((value ?? '').replace(/\p{C}/gu, '\ufffd'), labelLengthMax)
    const more = { ...all, [name]: shown }
    if (shown !== '' && Buffer.byteLength(JSON.stringify(more)) <= labelBytesMax) all[name] = shown
  }
  return all
}

/** A longer one ends in a hash of the whole, so that two stay two. */
function fitting(name: string, lengthMax: number): string {
  if (name.length <= lengthMax) return name
  return `${name.slice(0, lengthMax - 17)}~${sha256(pathToBytes(name)).slice(0, 16)}`
}
