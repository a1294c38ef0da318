import { sep } from 'node:path'
import { type ListenAddress, parseAnyListenAddress } from '../../base/listen-address.ts'
import type { Pace } from '../../compactor/listing-plan.ts'
import { checkOutputTemplate } from '../../compactor/output-name.ts'
import { loadServerConfig } from '../../config/load-server.ts'
import { accessProblem, type ServerSettings } from '../../config/server-schema.ts'
import { parseStoreUrl } from '../../config/store-url.ts'
import { type CommandInput, durationOf, textOf, usageError } from '../command.ts'
import { type QueueSettings, queueSettings } from '../compact/compact-queue.ts'
import { refuseNested } from '../compose/nested-places.ts'
import { paceFor, sinkDirectory } from '../compose/sink-place.ts'

/** Everything that a server is told, flags over file. */
export interface ServePlan extends Pick<ServerSettings, 'tls' | 'as' | 'accept' | 'quota'> {
  from: string
  /** Undefined: nothing is published. */
  root: string | undefined
  listen: ListenAddress
  tokens: NonNullable<ServerSettings['tokens']>
  clients: NonNullable<ServerSettings['clients']>
  pace: Pace
  queue: QueueSettings | undefined
}

export const defaultListen = '127.0.0.1:8470'

const usage = 'logcask serve --from URL [--to DIR], or -c FILE'

/** Rejects `invalid` for settings that do not go together: above all, for what would be open to everybody. */
export async function servePlan({ values, env }: CommandInput): Promise<ServePlan> {
  const file = textOf(values, 'config')
  const given = textOf(values, 'from')
  const settings: ServerSettings = file === undefined && given !== undefined ? {} : await loadServerConfig(file, env)
  const from = given ?? settings.from
  if (from === undefined) throw usageError('no bucket is named', usage)
  const { scheme } = parseStoreUrl(from)
  const to = textOf(values, 'to') ?? settings.to
  const root = to === undefined ? undefined : sinkDirectory(to)
  if (root === sep) throw usageError(`--to ${to}: is the whole machine`, 'name a directory: --to /srv/logs')
  await refuseNested(from, root, undefined)
  const queue = queueSettings(values, from, settings.events)
  if (queue !== undefined && root === undefined)
    throw usageError('events tell what to publish, and no directory is named', 'add --to DIR, or leave out the queue')
  const as = textOf(values, 'as') ?? settings.as
  if (as !== undefined) checkOutputTemplate(as)
  const listenText = textOf(values, 'listen') ?? settings.listen ?? defaultListen
  const missing = accessProblem(settings, listenText)
  if (missing !== undefined) throw usageError(missing.problem, missing.fix)
  const { tls, accept, quota, tokens = [], clients = [] } = settings
  const listen = parseAnyListenAddress(listenText)
  return {
    from,
    root,
    listen,
    as,
    tls,
    accept,
    quota,
    tokens,
    clients,
    queue,
    pace: paceFor(scheme, durationOf(values, 'interval') ?? settings.interval),
  }
}
