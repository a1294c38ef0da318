import { isoTime } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import { listenAddressText } from '../../base/listen-address.ts'
import { textForPeople } from '../../base/path-bytes.ts'
import { supervisorOf } from '../../base/supervisor.ts'
import { acceptedHosts } from '../../bucket/accepted-hosts.ts'
import type { Bucket } from '../../bucket/bucket.ts'
import { meteredBucket } from '../../bucket/metered.ts'
import { retryingReads } from '../../bucket/retrying-reads.ts'
import { listHosts } from '../../bucket/stream-inventory.ts'
import { compactFollowing } from '../../compactor/compactor.ts'
import { openDirectorySink } from '../../compactor/directory-sink.ts'
import type { CompactorEvent } from '../../compactor/event.ts'
import { apiRoutes } from '../../server/api.ts'
import { HostSigns } from '../../server/host-signs.ts'
import { ServerLoad } from '../../server/load.ts'
import { metricText } from '../../server/metric-text.ts'
import { withOwnRoutes } from '../../server/own-routes.ts'
import { pageRoutes } from '../../server/page-routes.ts'
import { type HttpServer, type Refused, serveHttp, type TlsFiles } from '../../server/serve-http.ts'
import { type CommandInput, isSet } from '../command.ts'
import { acceptsOf } from '../compact/accept-options.ts'
import { tellEvent } from '../compact/compact-events.ts'
import { withEvents } from '../compact/compact-queue.ts'
import { withCode } from '../compact/trouble-code.ts'
import { version } from '../help.ts'
import { ServeCounts, serveMetrics } from './serve-metrics.ts'
import { publishedIn } from './serve-published.ts'
import type { ServePlan } from './serve-settings.ts'
import { keepTls } from './serve-tls.ts'
import { verifyIn } from './serve-verify.ts'

/** A path that a stranger asked for, in a log line. */
const pathMax = 200
/** Until the store has answered once. */
const readyEveryMs = 2_000

/** Publishes and serves until the signal. Rejects where the address or the directory cannot be had, and for our own bugs. */
export async function runServer(
  input: CommandInput,
  plan: ServePlan,
  opened: Bucket,
  tls: TlsFiles | undefined,
): Promise<void> {
  const { clock, terminal, env, signal } = input
  const counts = new ServeCounts()
  const tell = (event: CompactorEvent): void => {
    counts.event(event)
    tellEvent(input, event)
  }
  const { bucket: metered, meter } = meteredBucket(opened)
  const accepts = acceptsOf(plan.accept)
  const bucket = retryingReads(acceptedHosts(metered, accepts.host), clock)
  const sink =
    plan.root === undefined
      ? undefined
      : await openDirectorySink(plan.root, clock, (event) => tell({ kind: 'set-aside', ...event }), { names: plan.as })
  const stop = new AbortController()
  const over = AbortSignal.any([signal, stop.signal])
  const load = new ServerLoad()
  const signs = new HostSigns(bucket, clock)
  const startedAtMs = clock.now()
  let isReady = false
  let server: HttpServer | undefined
  try {
    const api = apiRoutes({
      bucket,
      clock,
      signal: over,
      load,
      maxAgeMs: plan.pace.intervalMinMs,
      openPublished: sink && publishedIn(sink.root),
      verify: verifyIn(bucket, sink?.root),
    })
    const routes = withOwnRoutes(api, {
      version,
      metrics: () => {
        const own = { residentBytes: process.memoryUsage.rss(), cpuSeconds: cpuSeconds(), startedAtMs }
        return metricText(
          serveMetrics({ version, counts, load, usage: meter.snapshot(), hosts: signs.counts(), process: own }),
        )
      },
      sick: () => undefined,
      isReady: () => isReady,
    })
    const { tokens, clients, listen } = plan
    server = await serveHttp({
      address: listen,
      routes: [...routes, ...(await pageRoutes())],
      rules: { tokens, clients },
      load,
      tls,
      acceptsHost: accepts.host,
      onAnswered: (status) => counts.answer(status),
      onRefused: (refused) => {
        counts.refused++
        tellRefused(input, refused)
      },
      onBug: (error) => tell({ kind: 'problem', error }),
    })
    const { renew } = server
    terminal.say(
      `${bucket.url}${sink ? ` → ${sink.root}` : ''}, served on ${urlOf(server, tls)}${tokens.length + clients.length === 0 ? ', to anybody on this machine' : ''}, until stopped`,
    )
    // With a sink, the compactor tells of the same store.
    const onProblem = (error: unknown): void => (sink ? undefined : tell({ kind: 'problem', error }))
    const ready = untilReady(bucket, clock, over, onProblem).then(async () => {
      isReady = !over.aborted
      if (isReady)
        await supervisorOf(env, process.pid)
          ?.tell('READY=1')
          .catch((error) => terminal.warn(withCode(messageOf(error), 'systemd-not-told', terminal.paintMessage)))
    })
    const watching = ready.then(() => signs.run(over))
    const renewing =
      plan.tls && tls
        ? keepTls(plan.tls, tls, clock, over, { renew, warn: (error) => tell({ kind: 'problem', error }) })
        : undefined
    const onBytes = (bytes: number): void => counts.published(bytes)
    const compacting = sink
      ? withEvents(input, plan.queue, plan.from, (events) => {
          counts.messages = events?.counts
          const { pace } = plan
          const told = { accepts: accepts.origin, quota: plan.quota, onEvent: tell, onBytes, events }
          return compactFollowing({ bucket, sink, clock, pace, ...told, signal: over })
        })
      : new Promise<void>((resolve) => over.addEventListener('abort', () => resolve(), { once: true }))
    try {
      if (!over.aborted || sink) await compacting
    } finally {
      stop.abort()
      await Promise.all([ready, watching, renewing])
    }
  } finally {
    stop.abort()
    await server?.close()
    await sink?.close()
  }
}

/** Each thing that stands in the way is told once. */
async function untilReady(
  bucket: Bucket,
  clock: CommandInput['clock'],
  signal: AbortSignal,
  onProblem: (error: unknown) => void,
): Promise<void> {
  let told: string | undefined
  while (!signal.aborted) {
    try {
      await listHosts(bucket, { signal })
      return
    } catch (error) {
      if (signal.aborted) return
      if (messageOf(error) !== told) onProblem(error)
      told = messageOf(error)
      await clock.sleep(readyEveryMs, signal).catch(() => {})
    }
  }
}

function urlOf({ address }: HttpServer, tls: TlsFiles | undefined): string {
  return address.kind === 'unix'
    ? listenAddressText(address)
    : `${tls ? 'https' : 'http'}://${listenAddressText(address)}`
}

/** One line for each request that was refused because of who asked; what the client wrote is cut, and escaped. */
function tellRefused({ values, terminal, clock }: CommandInput, refused: Refused): void {
  const { status, method, from, why } = refused
  const path = textForPeople(refused.path.slice(0, pathMax))
  const who = refused.who === undefined ? undefined : textForPeople(refused.who)
  const at = isoTime(clock.now())
  if (isSet(values, 'json')) {
    void terminal
      .json({ kind: 'refused', code: 'request-refused', at, status, from, who, method, path, why })
      .catch(() => {})
  } else {
    const name = who === undefined ? '' : ` (${who})`
    const text = `refused    ${at} ${from}${name} ${textForPeople(method)} ${path}: ${status}, ${why}`
    terminal.warn(withCode(text, 'request-refused', terminal.paintMessage))
  }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
