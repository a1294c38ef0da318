import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AgentEvent } from '../../src/agent/context.ts'
import { newDelivery, newLife } from '../../src/agent/life.ts'
import { noUsage } from '../../src/bucket/metered.ts'
import { agentMetrics, type MetricFacts } from '../../src/cli/agent/agent-metrics.ts'
import type { DestinationStatus } from '../../src/cli/agent/agent-status.ts'
import { EventCounts } from '../../src/cli/agent/event-counts.ts'
import { metricText } from '../../src/server/metric-text.ts'
import { type Running, startLogcask, until } from '../scenarios/logcask-process.ts'
import { guardLeaks } from '../support/leak-guard.ts'
import { parseMetrics, valueIn } from '../support/metric-parser.ts'
import { tempDirectory } from '../support/temp-directory.ts'

guardLeaks()

function factsOf(names: readonly string[], counts = new EventCounts()): MetricFacts {
  const destinations = names.map(
    (name): DestinationStatus => ({
      name,
      url: 's3://x',
      state: 'down',
      behindBytes: 5,
      ackedBytes: 7,
      oldestSeconds: 2.5,
      filesBehind: 1,
      losses: 0,
      requests: 0,
      dollars: 0,
    }),
  )
  return {
    status: {
      v: 1,
      pid: 1,
      host: 'we"b\n1',
      startedAt: '',
      updatedAt: '',
      files: 3,
      bytes: 12,
      forks: 0,
      losses: 0,
      problems: [],
      destinations,
      spool: { bytes: 1, bytesMax: 2 },
    },
    counts,
    usages: new Map(names.map((name) => [name, noUsage()])),
    agentId: 'a',
    version: '1.2.3',
    openFilesMax: 10,
    scanAgeSeconds: undefined,
    checkpointAgeSeconds: 1,
    reload: { isSuccessful: false, atMs: 5_000 },
    process: { residentBytes: 1, cpuSeconds: 1, startedAtMs: 1 },
  }
}

const parsed = (facts: MetricFacts) => parseMetrics(metricText(agentMetrics(facts)))

describe('the metrics of an agent', () => {
  it('are valid, whatever things are called', () => {
    const metrics = parsed(factsOf(['eu', 'a"b\\c\nd']))
    expect(valueIn(metrics, 'logcask_lag_bytes', { destination: 'a"b\\c\nd' })).toBe(5)
    expect(valueIn(metrics, 'logcask_agent_info', { host: 'we"b\n1' })).toBe(1)
    expect(valueIn(metrics, 'logcask_destination_state', { destination: 'eu', state: 'down' })).toBe(1)
    expect(valueIn(metrics, 'logcask_destination_state', { destination: 'eu', state: 'ok' })).toBe(0)
    expect(valueIn(metrics, 'logcask_config_last_reload_successful')).toBe(0)
    expect(valueIn(metrics, 'logcask_config_last_reload_success_timestamp_seconds')).toBe(5)
    expect(metrics.has('logcask_scan_age_seconds')).toBe(false)
  })

  it('I6: count what happened, by destination', () => {
    const counts = new EventCounts()
    const life = newLife({
      identity: '0-1',
      firstGeneration: 0,
      origin: { path: '/a', identity: '0-1', agent: 'x' },
      source: 's',
      path: '/a',
      destinations: ['eu', 'us'],
    })
    life.size = 100
    const delivery = newDelivery('eu')
    const events: AgentEvent[] = [
      { kind: 'began', life, delivery, how: 'new' },
      { kind: 'acked', life, delivery, bytes: 60, sent: true },
      { kind: 'acked', life, delivery, bytes: 10, sent: false },
      { kind: 'gap', life, delivery, offset: 70, reason: 'truncated' },
      { kind: 'gap', life, delivery, offset: 0, reason: 'diverged' },
      { kind: 'forked', life, delivery, from: '0-1', why: 'x' },
      { kind: 'edited', life, delivery },
      { kind: 'problem', code: 'destination-refused', place: 'eu', message: 'x' },
    ]
    for (const event of events) counts.add(event)
    const metrics = parsed(factsOf(['eu', 'us'], counts))
    const at = (name: string, labels: Record<string, string> = {}) =>
      ['eu', 'us'].map((destination) => valueIn(metrics, name, { destination, ...labels }))
    expect({
      acked: at('logcask_acked_bytes_total'),
      adopted: at('logcask_segments_total', { how: 'adopted' }),
      lost: at('logcask_lost_bytes_total'),
      truncated: at('logcask_gaps_total', { reason: 'truncated' }),
      diverged: at('logcask_gaps_total', { reason: 'diverged' }),
      forks: at('logcask_forks_total'),
      conflicts: at('logcask_conflicts_total'),
      begun: at('logcask_streams_begun_total'),
    }).toEqual({
      acked: [70, 0],
      adopted: [1, 0],
      lost: [30, 0],
      truncated: [1, 0],
      diverged: [1, 0],
      forks: [1, 0],
      conflicts: [2, 0],
      begun: [1, 0],
    })
    expect(valueIn(metrics, 'logcask_problem_reports_total')).toBe(1)
  })

  it('I7: are as many as there are destinations, times a constant', () => {
    const series = (count: number): number =>
      [...parsed(factsOf(Array.from({ length: count }, (_, at) => `d${at}`))).values()].reduce(
        (sum, { samples }) => sum + samples.length,
        0,
      )
    expect(series(16) - series(15)).toBe(series(2) - series(1))
    expect(series(16)).toBeLessThan(1_000)
  })
})

describe('a running agent', () => {
  async function start(listen: (directory: string) => string) {
    const directory = await tempDirectory('metrics')
    await mkdir(join(directory, 'logs'))
    await writeFile(join(directory, 'logs/app.log'), 'one\n')
    const config = join(directory, 'agent.yaml')
    await writeFile(
      config,
      JSON.stringify({
        host: 'web-1',
        state: join(directory, 'state'),
        listen: listen(directory),
        sources: [{ name: 'logs', include: [`${directory}/logs/*.log`] }],
        destinations: [
          { name: 'here', url: `file://${directory}/bucket` },
          { name: 'away', url: 's3://bucket', endpoint: 'http://127.0.0.1:1' },
        ],
      }),
    )
    const agent = startLogcask(['agent', '-c', config])
    let address = ''
    await until(
      'it listens',
      () => {
        address = /"address":"([^"]+)"/.exec(agent.stderr())?.[1] ?? ''
        return address !== ''
      },
      { context: agent.stderr, withinMs: 90_000 },
    )
    return { agent, address, directory }
  }

  async function stop(agent: Running): Promise<number | null> {
    agent.process.kill('SIGTERM')
    return (await agent.ended).code
  }

  function ask(address: string, path: string): Promise<{ status: number | undefined; body: string }> {
    const where = address.startsWith('unix:')
      ? { socketPath: address.slice('unix:'.length) }
      : { host: '127.0.0.1', port: Number(address.split(':')[1]) }
    return new Promise((resolve, reject) => {
      request({ ...where, path, agent: false }, (response) => {
        let body = ''
        response.on('data', (chunk) => {
          body += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode, body }))
      })
        .on('error', reject)
        .end()
    })
  }

  it.each([
    ['a port', () => '127.0.0.1:0'],
    ['a unix socket', (directory: string) => `unix:${directory}/metrics.sock`],
  ])(
    'tells how it stands at %s, and is ready once every destination was judged',
    async (_, listen) => {
      const { agent, address } = await start(listen)
      await until('it is ready', async () => (await ask(address, '/readyz')).status === 200, {
        context: agent.stderr,
        withinMs: 90_000,
      })
      expect(await ask(address, '/healthz')).toEqual({ status: 200, body: 'ok\n' })
      await until(
        'the file is there',
        async () => {
          const metrics = parseMetrics((await ask(address, '/metrics')).body)
          return valueIn(metrics, 'logcask_acked_bytes', { destination: 'here' }) === 4
        },
        { withinMs: 90_000 },
      )
      const metrics = parseMetrics((await ask(address, '/metrics')).body)
      const values = Object.fromEntries(
        ['logcask_files', 'logcask_tail_bytes', 'logcask_ready', 'logcask_config_last_reload_successful'].map(
          (name) => [name, valueIn(metrics, name)],
        ),
      )
      expect(values).toEqual({
        logcask_files: 1,
        logcask_tail_bytes: 4,
        logcask_ready: 1,
        logcask_config_last_reload_successful: 1,
      })
      expect(valueIn(metrics, 'logcask_lag_bytes', { destination: 'here' })).toBe(0)
      expect(valueIn(metrics, 'logcask_lag_bytes', { destination: 'away' })).toBe(4)
      expect(valueIn(metrics, 'logcask_lag_seconds', { destination: 'away' })).toBeGreaterThan(0)
      expect(valueIn(metrics, 'logcask_destination_state', { destination: 'here', state: 'ok' })).toBe(1)
      expect(
        valueIn(metrics, 'logcask_requests_total', { destination: 'away', operation: 'get', outcome: 'unavailable' }),
      ).toBeGreaterThan(0)
      expect(await stop(agent)).toBe(0)
      await expect(ask(address, '/metrics')).rejects.toThrow()
    },
    300_000,
  )

  it('I5: delivers also where its address is taken, says so, and takes it when it is free', async () => {
    const first = await start(() => '127.0.0.1:0')
    const directory = await tempDirectory('metrics')
    await mkdir(join(directory, 'logs'))
    await writeFile(join(directory, 'logs/app.log'), 'two\n')
    await writeFile(
      join(directory, 'agent.yaml'),
      JSON.stringify({
        host: 'web-2',
        state: join(directory, 'state'),
        listen: first.address,
        sources: [{ name: 'logs', include: [`${directory}/logs/*.log`] }],
        destinations: [{ url: `file://${directory}/bucket` }],
      }),
    )
    const second = startLogcask(['agent', '-c', join(directory, 'agent.yaml')])
    await until('it delivers', () => second.stderr().includes('"how":"new"'), {
      context: second.stderr,
      withinMs: 90_000,
    })
    expect(second.stderr()).toMatch(/"place":"listen","problem":"cannot listen on 127\.0\.0\.1:\d+: [^"]*EADDRINUSE/)
    expect(await stop(first.agent)).toBe(0)
    await until('it listens', () => second.stderr().includes('"msg":"listening"'), {
      context: second.stderr,
      withinMs: 90_000,
    })
    expect((await ask(first.address, '/metrics')).body).toContain('host="web-2"')
    expect(await stop(second)).toBe(0)
  }, 300_000)
})
