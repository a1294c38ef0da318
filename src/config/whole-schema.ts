import { z } from 'zod'
import { isCode } from '../base/errors.ts'
import { encodings } from '../format/whole.ts'
import { checkNameTemplate } from '../format/whole-name.ts'
import { day, duration, minute, refuse, second } from './field.ts'

/** Settings of a source whose files are delivered whole. */
export const wholeFields = {
  mode: z
    .enum(['stream', 'when-complete'])
    .default('stream')
    .describe('What is appended as it comes; or each file whole, once it is complete, as one object of its own name.'),
  as: z
    .string()
    .optional()
    .describe(
      'With when-complete: the name in the bucket, of {filename} {path} {prefix} {year} {month} {day} {hour} {host} {name} {labels.NAME}.',
    )
    .meta({ examples: ['{prefix}/{year}/{month}/{day}/{filename}'] }),
  compress: z.enum(encodings).optional().describe('With when-complete. Default: none.'),
  idle: duration(
    {
      min: second,
      max: 30 * day,
      least: '1s',
      most: '30d',
      why: 'sooner, a file is cut off that is being written; later, nobody sees that it is complete',
    },
    '10m',
  )
    .optional()
    .describe(
      'With when-complete: a file that has not changed for so long is complete. Default: that alone says nothing.',
    ),
  period: duration(
    {
      min: minute,
      max: 31 * day,
      least: '1m',
      most: '31d',
      why: 'shorter than the clocks of writers agree, or longer than anybody waits for a log',
    },
    '1h',
  )
    .optional()
    .describe(
      'With when-complete: how long the time in a name lasts. Default: an hour, or a day where there is only a date.',
    ),
}

interface WholeSettings {
  mode: 'stream' | 'when-complete'
  as?: string | undefined
  labels?: Record<string, string> | undefined
}

const ofWholes = ['as', 'compress', 'idle', 'period'] as const
const ofStreams = ['rename', 'minSize', 'maxDelay'] as const

/** What the settings of a source say together. */
export function checkWhole(settings: WholeSettings & Record<string, unknown>, context: z.RefinementCtx): void {
  const { mode, as, labels = {} } = settings
  const isWhole = mode === 'when-complete'
  const misplaced = (isWhole ? ofStreams : ofWholes).find((name) => settings[name] !== undefined)
  if (misplaced !== undefined)
    return void refuse(
      context,
      `has ${misplaced}, which is about ${isWhole ? 'streams' : 'files that are delivered whole'}`,
      isWhole ? 'leave it out: as: names the files' : 'set mode: when-complete beside it, or leave it out',
    )
  if (!isWhole) return
  if (as === undefined)
    return void refuse(
      context,
      'has mode: when-complete, and no names for its files',
      'set as: "{prefix}/{year}/{month}/{day}/{filename}"',
    )
  try {
    checkNameTemplate(as, labels)
  } catch (error) {
    if (!isCode(error, 'invalid')) throw error
    context.addIssue({ code: 'custom', path: ['as'], message: error.message, params: { fix: error.hint } })
  }
}
