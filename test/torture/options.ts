import { parseArgs } from 'node:util'

export interface TortureOptions {
  to: string
  /** How long faults, kills and rotations go on; rest and reading back come on top. */
  durationMs: number
  seed: number
  agents: number
  /** Bytes that all writers together append in a second, on average. */
  bytesPerSecond: number
  isJson: boolean
  endpoint: string | undefined
  region: string | undefined
  profile: string | undefined
  ca: string | undefined
  /** Another agent to put through the same, for comparison. */
  peer: 'fluent-bit' | undefined
  /** Keeps logs, states and the oracle's records also where all went well. */
  isKept: boolean
}

export const help = `npm run torture -- --to URL [--minutes 5] [--seed N] [--agents 3]

Puts Logcask through what it must survive, against a store of yours, and counts. Writers append numbered lines and
rotate their logs in every way that programs do; agents and a compactor are killed with SIGKILL and started again, some
with their state deleted; a proxy before the store loses answers, delays, throttles, answers 500 after it stored, cuts
connections and sends PUTs again long after their sender died. Then everything is read back and counted.
  --to URL          s3://bucket/prefix or file:///dir. Everything is below its own prefix torture-<id>/, and stays there:
                    nothing in the bucket is deleted. The bucket must be there already
  --minutes 5       how long; reading back comes on top
  --seed N          the same plan of lines, rotations, kills and faults; what they meet is up to the machine
  --agents 3        hosts, each with three logs: the first, third … rename them (and lose their state now and then),
                    the others copy and cut them
  --rate 400        KiB per second that are written, over all hosts
  --endpoint URL --region NAME --profile NAME --ca FILE     as the other commands have them (or in the URL)
  --peer fluent-bit puts Fluent Bit (tail, S3) and Logcask through a mild form of it, one after the other, where it is
                    installed: 13 rotations and 8 kills in a minute, with a store that works, and with one that
                    answers a third of the requests badly; then a minute of rest
  --keep            keeps the logs and states also when all is well
  --json            the result as one line of JSON on stdout

A file:// store has no proxy before it: kills and rotations only.
Exit status: 0 nothing lost, doubled or rewritten · 1 something was · 2 usage, or the store cannot be reached`

/** Throws an Error with what to do for arguments that make no sense; undefined: help was asked for. */
export function parseOptions(args: readonly string[]): TortureOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      to: { type: 'string' },
      minutes: { type: 'string' },
      seed: { type: 'string' },
      agents: { type: 'string', default: '3' },
      rate: { type: 'string', default: '400' },
      endpoint: { type: 'string' },
      region: { type: 'string' },
      profile: { type: 'string' },
      ca: { type: 'string' },
      peer: { type: 'string' },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  if (values.to === undefined) throw new Error('no store is named: --to s3://bucket/prefix, or --to file:///dir')
  if (values.peer !== undefined && values.peer !== 'fluent-bit')
    throw new Error(`--peer ${values.peer}: there is only fluent-bit`)
  return {
    to: values.to,
    durationMs: numberOf('minutes', values.minutes ?? (values.peer ? '1' : '5'), 0.05, 1440) * 60_000,
    seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : numberOf('seed', values.seed, 0, 2 ** 32),
    // Each agent is a process of 120 MB and more.
    agents: Math.round(numberOf('agents', values.agents, 1, 50)),
    bytesPerSecond: numberOf('rate', values.rate, 1, 1_000_000) * 1024,
    isJson: values.json,
    endpoint: values.endpoint,
    region: values.region,
    profile: values.profile,
    ca: values.ca,
    peer: values.peer,
    isKept: values.keep,
  }
}

function numberOf(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= min && value <= max))
    throw new Error(`--${name} ${text}: is not ${min} to ${max}`)
  return value
}
