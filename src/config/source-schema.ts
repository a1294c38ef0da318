import { z } from 'zod'
import { absolutePath, bytes, day, duration, exclude, hour, include, name, refuse, second } from './field.ts'
import { labels, labelsFrom, rename } from './naming-schema.ts'
import { checkWhole, wholeFields } from './whole-schema.ts'

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
    ...wholeFields,
    rename: rename.optional(),
    labels: labels.optional(),
    labelsFrom: labelsFrom.optional(),
    minSize: bytes(
      { min: 1, max: 4 * 2 ** 20, least: '1B', most: '4MiB', why: 'a full segment has 4 MiB, and goes at once' },
      '4KiB',
    )
      .optional()
      .describe('Smaller appends are gathered until there is so much, or maxDelay is over. Default: sent at once.'),
    maxDelay: duration(
      {
        min: second,
        max: hour,
        least: '1s',
        most: '1h',
        why: 'sooner, nothing is gathered; later, more than an hour of a file would be on this machine alone',
      },
      '30s',
    )
      .optional()
      .describe('With minSize: what was appended waits no longer. Default: 30s.'),
    since: duration(
      {
        min: hour,
        max: 36_500 * day,
        least: '1h',
        most: '36500d',
        why: 'a file that is written to must not be left out',
      },
      '7d',
    )
      .optional()
      .describe('Files that had not changed for longer when they were first seen are left out. Default: everything.'),
    after: z
      .enum(['keep', 'delete', 'move'])
      .default('keep')
      .describe('What becomes of a rotated file that every destination has whole. Live files are never touched.'),
    moveTo: absolutePath
      .optional()
      .describe('Where after: move puts them: a directory on this machine, left out by every source.')
      .meta({ examples: ['/var/log/archive'] }),
  })
  .superRefine((settings, context) => {
    const { minSize, maxDelay } = settings
    checkWhole(settings, context)
    if (maxDelay !== undefined && minSize === undefined)
      refuse(context, 'has maxDelay without minSize', 'set minSize: 4KiB beside it, or leave it out')
  })
  .describe(
    'A set of files. One that several sources match belongs to the first of them, and goes where that one goes.',
  )
