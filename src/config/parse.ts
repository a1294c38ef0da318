import { extname } from 'node:path'
import { parse as parseToml, TomlError } from 'smol-toml'
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import { LogcaskError, messageOf } from '../base/errors.ts'

export type SettingPath = readonly (string | number)[]

/** A file's settings as data, not yet checked. */
export interface ParsedFile {
  file: string
  value: unknown
  /** Line of a setting, from 1, where the format tells. */
  lineOf(path: SettingPath): number | undefined
}

export const configExtensions = ['.yaml', '.yml', '.toml']

/** Reads YAML or TOML, as the extension says. Throws `invalid` with file and line. */
export function parseText(file: string, text: string): ParsedFile {
  return extname(file) === '.toml' ? parseTomlText(file, text) : parseYamlText(file, text)
}

function parseTomlText(file: string, text: string): ParsedFile {
  try {
    return { file, value: parseToml(text), lineOf: () => undefined }
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause
    const [problem = ''] = cause.message.replace(/^Invalid TOML document: /, '').split('\n')
    throw broken(`${file}:${cause.line}:${cause.column}`, 'TOML', problem, cause)
  }
}

function parseYamlText(file: string, text: string): ParsedFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0])
    throw broken(`${file}:${line}:${col}`, 'YAML', problem.message, problem)
  }
  try {
    const value: unknown = document.toJS()
    return {
      file,
      // An empty file (all of it commented out) sets nothing.
      value: value ?? {},
      lineOf: (path) => {
        const start = positionOf(document, path)
        return start === undefined ? undefined : lines.linePos(start).line
      },
    }
  } catch (cause) {
    throw broken(file, 'YAML', messageOf(cause), cause)
  }
}

/** Where the key of a setting stands, or its value, or the nearest thing around it that is there. */
function positionOf(document: Document, path: SettingPath): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const last = path[length - 1]
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(last))
      : undefined
    const node = pair?.key ?? document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return undefined
}

function broken(place: string, format: string, problem: string, cause: unknown): LogcaskError {
  return new LogcaskError('invalid', `${place}: is not ${format}: ${problem}`, {
    hint: 'mend that line, then run logcask validate',
    cause,
  })
}
