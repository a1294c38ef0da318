// Nothing of the product may be loaded before its text is changed.
import { rescueKind } from '../rescue/rescue-kind.ts'
import type { Defect } from './defects.ts'

const kinds = [rescueKind, 'append', 'rotate', 'delete', 'kill', 'stop', 'store down', 'store refusing']

/** Defects of the spool, of housekeeping and of whole files. */
export const rescueDefects: readonly Defect[] = [
  {
    name: 'what the spool kept is not taken up by the next run',
    patches: [
      {
        file: 'src/agent/spool/spool.ts',
        from: 'for (const record of await this.#files.read(problem)) {',
        to: 'for (const record of (await this.#files.read(problem)).slice(0, 0)) {',
      },
    ],
    kinds,
  },
  {
    name: 'the spool keeps a file without its last kilobyte',
    patches: [
      {
        file: 'src/agent/spool/spool-plan.ts',
        from: "return bytes <= room ? { kind: 'keep', from, start, end: size }",
        to: "return bytes <= room ? { kind: 'keep', from, start, end: Math.max(start, size - 1024) }",
      },
    ],
    kinds,
  },
  {
    name: 'a file is deleted when one destination has it',
    patches: [
      {
        file: 'src/agent/ending/housekeep.ts',
        from: 'names.every((name) => life.deliveries.get(name)?.sealed !== undefined)',
        to: 'names.some((name) => life.deliveries.get(name)?.sealed !== undefined)',
      },
      { file: 'src/agent/ending/housekeep.ts', from: 'isEverywhere && isAsked && isSettled(life)', to: 'isEverywhere' },
      {
        file: 'src/agent/ending/confirm.ts',
        from: '  return { isEverywhere, hasOpenGap }\n',
        to: '  return { isEverywhere: true, hasOpenGap }\n',
      },
      { file: 'src/agent/ending/confirm.ts', from: 'return life.deliveries.size > 0', to: 'return true' },
      {
        file: 'src/agent/ending/confirm.ts',
        from: '    if (stream === undefined || sealed === undefined) return false\n    const isDecoded',
        to: '    if (stream === undefined || sealed === undefined) continue\n    const isDecoded',
      },
      {
        file: 'src/agent/ending/confirm.ts',
        from: 'await within(context',
        to: 'if (delivery.sealed) await within(context',
      },
    ],
    kinds,
  },
  {
    name: 'whole files are not held',
    patches: [
      {
        file: 'src/agent/whole/whole-rescue.ts',
        from: 'if (opened?.identity === file.identity) file.file = opened',
        to: 'if (opened === undefined) file.file = opened',
      },
    ],
    kinds,
  },
  {
    name: 'what was kept of whole files is not taken up',
    patches: [
      {
        file: 'src/agent/whole/whole-rescue.ts',
        from: 'if (file) this.#take(book, record, file)',
        to: '',
      },
    ],
    kinds,
  },
  {
    name: 'a file is whole while a process writes to it',
    patches: [
      {
        file: 'src/agent/whole/whole-book.ts',
        from: "if (writers.has({ dev: at.device, ino: at.inode })) return 'some'",
        to: "if (writers.has({ dev: at.device, ino: at.inode })) return 'none'",
      },
    ],
    kinds,
  },
]
