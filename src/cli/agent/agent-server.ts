import type { Clock } from '../../base/clock.ts'
import { LogcaskError, messageOf } from '../../base/errors.ts'
import type { ListenAddress } from '../../base/listen-address.ts'
import { type Listening, listen, type Route } from '../../server/listen.ts'
import { metricContentType, metricText } from '../../server/metric-text.ts'
import { agentMetrics, type MetricFacts } from './agent-metrics.ts'

/** What the agent is asked over HTTP. */
export interface AgentAnswers {
  metrics: () => MetricFacts
  /** Why it cannot go on by itself; undefined while it can. */
  sick: () => string | undefined
  /** What it waits for until it is ready. */
  notReady: () => readonly string[]
}

export function agentRoutes(answers: AgentAnswers): Record<string, Route> {
  return {
    '/metrics': () => ({
      status: 200,
      contentType: metricContentType,
      body: metricText(agentMetrics(answers.metrics())),
    }),
    '/healthz': () => {
      const sick = answers.sick()
      return sick === undefined ? { status: 200, body: 'ok\n' } : { status: 503, body: `${sick}\n` }
    },
    '/readyz': () => {
      const waitsFor = answers.notReady()
      return waitsFor.length === 0
        ? { status: 200, body: 'ready\n' }
        : { status: 503, body: waitsFor.map((one) => `${one}\n`).join('') }
    },
  }
}

/** An address that cannot be had may be free later: the agent of before is still ending, a directory is being made. */
const retryMs = 10_000

/**
 * Serves until aborted, and gives up nothing: what stands in the way is reported, and tried again, while the agent
 * delivers. `on` is told where it listens.
 */
export async function keepListening(
  address: ListenAddress,
  routes: Readonly<Record<string, Route>>,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
  report: { problem: (message: string, hint: string | undefined) => void; on: (address: ListenAddress) => void },
): Promise<void> {
  let listening: Listening | undefined
  while (!signal.aborted && listening === undefined) {
    try {
      listening = await listen(address, routes)
      report.on(listening.address)
    } catch (error) {
      report.problem(messageOf(error), error instanceof LogcaskError ? error.hint : undefined)
      await clock.sleep(retryMs, signal).catch(() => {})
    }
  }
  if (listening === undefined) return
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  await listening.close()
}
