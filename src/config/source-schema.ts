import { z } from 'zod'
import { day, duration, exclude, include, name, second } from './field.ts'

export const source = z
  .strictObject({
    name: name.describe('Names the source in messages, metrics and `logcask why`.'),
    include: z
      .array(include)
      .min(1, 'must name at least one file or glob')
      // Each pattern costs a walk per scan.
      .max(100, 'must not be more than 100 patterns: split the source')
      .describe('Absolute globs of files that only grow, their rotated names included.'),
    exclude: z
      .array(exclude)
      .max(100, 'must not be more than 100 patterns: split the source')
      .default([])
      .describe('Globs of files to leave out; one without a slash is matched against the base name.'),
    olddir: z
      .string()
      .min(1, 'must not be empty')
      .optional()
      .describe("Where rotated files go: a directory, relative to the file's own."),
    followSymlinks: z.boolean().default(false).describe('Whether a symbolic link stands for the file it points to.'),
    copies: z
      .enum(['new-stream', 'ignore'])
      .default('new-stream')
      .describe('A file with the content of another that is still there: a stream of its own, or not shipped.'),
    to: z
      .array(z.string())
      .min(1, 'must name at least one destination, or be left out for all')
      .optional()
      .describe('Names of the destinations that get this source. Default: all.'),
    sealAfter: duration(
      {
        min: second,
        max: 30 * day,
        least: '1s',
        most: '30d',
        why: 'sooner, a writer that still holds the rotated file is cut off; later, nobody sees that a file is complete',
      },
      '1m',
    )
      .prefault('1m')
      .describe('A rotated file that has been idle for so long is complete, and sealed.'),
  })
  .describe(
    'A set of files. One that several sources match belongs to the first of them, and goes where that one goes.',
  )
