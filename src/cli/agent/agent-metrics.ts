import { meteredOperations, outcomes, requestDollars, type Usage } from '../../bucket/metered.ts'
import { gapReasons } from '../../format/gap.ts'
import type { MetricFamily, Sample } from '../../server/metric-text.ts'
import type { DestinationStatus, StatusRecord } from './agent-status.ts'
import type { EventCounts } from './event-counts.ts'

export interface MetricFacts {
  status: StatusRecord
  counts: EventCounts
  /** By destination. */
  usages: ReadonlyMap<string, Usage>
  agentId: string
  version: string
  openFilesMax: number
  /** Seconds since the last complete scan began, and since all that had changed was saved; undefined before the first. */
  scanAgeSeconds: number | undefined
  checkpointAgeSeconds: number | undefined
  /** The configuration that is in force: whether the last one that was read is it, and when it was taken. */
  reload: { isSuccessful: boolean; atMs: number }
  process: { residentBytes: number; cpuSeconds: number; startedAtMs: number }
}

const states: readonly DestinationStatus['state'][] = ['probing', 'ok', 'unavailable', 'down']

/** All metrics of an agent, in DESIGN.md's words. Labels are destinations and words of ours: as many series as the configuration has destinations, times a constant. Pure. */
export function agentMetrics(facts: MetricFacts): MetricFamily[] {
  return [...ofAgent(facts), ...ofDestinations(facts), ...ofRequests(facts), ...ofProcess(facts)]
}

function ofAgent(facts: MetricFacts): MetricFamily[] {
  const { status, counts, reload } = facts
  const { spool, notReady = [] } = status
  return [
    gauge('logcask_build_info', 'Version of logcask and of Node; always 1.', [
      { labels: { version: facts.version, node: process.versions.node }, value: 1 },
    ]),
    gauge('logcask_agent_info', 'The host that this agent delivers for, and its id; always 1.', [
      { labels: { host: status.host, agent: facts.agentId }, value: 1 },
    ]),
    gauge('logcask_ready', '1 once it has scanned, and every destination was admitted or judged.', [
      { value: notReady.length === 0 ? 1 : 0 },
    ]),
    gauge('logcask_files', 'Files that are here.', [{ value: status.files }]),
    gauge('logcask_tail_bytes', 'Bytes in these files.', [{ value: status.bytes }]),
    gauge('logcask_open_files', 'Of these files, those that are open.', [{ value: status.openFiles ?? 0 }]),
    gauge('logcask_open_files_limit', 'Files that may be open at once.', [{ value: facts.openFilesMax }]),
    gauge('logcask_spool_bytes', 'Bytes of deleted files that are kept until they are delivered.', some(spool?.bytes)),
    gauge('logcask_spool_limit_bytes', 'Bytes that the spool may hold.', some(spool?.bytesMax)),
    gauge('logcask_scan_age_seconds', 'Since the last complete scan began.', some(facts.scanAgeSeconds)),
    gauge(
      'logcask_checkpoint_age_seconds',
      'Since all that had changed was on disk.',
      some(facts.checkpointAgeSeconds),
    ),
    gauge('logcask_problems', 'Problems that came up and are not known to be over; status names them.', [
      { value: status.problems.length },
    ]),
    counter('logcask_problem_reports_total', 'Problems that came up, each time that they did.', [
      { value: counts.problems },
    ]),
    gauge('logcask_config_last_reload_successful', '0 when the configuration on disk was refused.', [
      { value: reload.isSuccessful ? 1 : 0 },
    ]),
    gauge('logcask_config_last_reload_success_timestamp_seconds', 'When the configuration in force was taken.', [
      { value: reload.atMs / 1000 },
    ]),
  ]
}

function ofDestinations({ status: { destinations }, counts }: MetricFacts): MetricFamily[] {
  const each = (value: (one: DestinationStatus) => number): Sample[] =>
    destinations.map((one) => ({ labels: { destination: one.name }, value: value(one) }))
  return [
    gauge(
      'logcask_acked_bytes',
      'Bytes of the files here that the destination has.',
      each((one) => one.ackedBytes ?? 0),
    ),
    gauge(
      'logcask_lag_bytes',
      'Bytes of the files here that it does not have.',
      each((one) => one.behindBytes),
    ),
    gauge(
      'logcask_lag_seconds',
      'Age of the oldest byte that it does not have, since an agent first saw it.',
      each((one) => one.oldestSeconds),
    ),
    gauge(
      'logcask_lag_files',
      'Files of which it does not have all.',
      each((one) => one.filesBehind),
    ),
    gauge(
      'logcask_destination_state',
      'Which state it is in: 1, the others 0. Down: it says no until somebody acts.',
      destinations.flatMap(({ name, state }) =>
        states.map((one) => ({ labels: { destination: name, state: one }, value: one === state ? 1 : 0 })),
      ),
    ),
    counter(
      'logcask_acked_bytes_total',
      'Bytes that came to be on its chains.',
      each(({ name }) => counts.at(name).bytesAcked),
    ),
    counter(
      'logcask_segments_total',
      'Segments on its chains: sent by this agent, or found there.',
      destinations.flatMap(({ name }) => [
        { labels: { destination: name, how: 'sent' }, value: counts.at(name).segmentsSent },
        { labels: { destination: name, how: 'adopted' }, value: counts.at(name).segmentsAdopted },
      ]),
    ),
    counter(
      'logcask_whole_files_total',
      'Files delivered whole: sent by this agent, or found there; lost are those that went before.',
      destinations.flatMap(({ name }) =>
        (['sent', 'there', 'lost'] as const).map((how) => ({
          labels: { destination: name, how },
          value: counts.at(name).wholes[how],
        })),
      ),
    ),
    counter(
      'logcask_streams_begun_total',
      'Streams begun or resumed there.',
      each(({ name }) => counts.at(name).streamsBegun),
    ),
    counter(
      'logcask_seals_total',
      'Streams sealed there.',
      each(({ name }) => counts.at(name).seals),
    ),
    counter(
      'logcask_forks_total',
      'Streams left for a fork.',
      each(({ name }) => counts.at(name).forks),
    ),
    counter(
      'logcask_conflicts_total',
      'Times that local bytes differed from delivered ones: forks, and files edited in place.',
      each(({ name }) => counts.at(name).conflicts),
    ),
    counter(
      'logcask_gaps_total',
      'Gaps recorded there; those with the reason diverged are no loss.',
      destinations.flatMap(({ name }) =>
        gapReasons.map((reason) => ({ labels: { destination: name, reason }, value: counts.at(name).gaps[reason] })),
      ),
    ),
    counter(
      'logcask_lost_bytes_total',
      'Bytes that were seen and could not be delivered there; a gap may stand for more that nobody saw.',
      each(({ name }) => counts.at(name).bytesLost),
    ),
  ]
}

function ofRequests({ status: { destinations }, usages }: MetricFacts): MetricFamily[] {
  const each = (value: (usage: Usage, destination: string) => Sample[]): Sample[] =>
    destinations.flatMap(({ name }) => {
      const usage = usages.get(name)
      return usage === undefined ? [] : value(usage, name)
    })
  return [
    counter(
      'logcask_requests_total',
      'Requests by operation and by what came back.',
      each((usage, destination) =>
        meteredOperations.flatMap((operation) =>
          outcomes.map((outcome) => ({
            labels: { destination, operation, outcome },
            value: usage.requests[operation][outcome],
          })),
        ),
      ),
    ),
    counter(
      'logcask_request_dollars_total',
      'What these requests cost at the prices of S3 Standard in us-east-1.',
      each((usage, destination) => [{ labels: { destination }, value: requestDollars(usage) }]),
    ),
    counter(
      'logcask_sent_bytes_total',
      'Bytes of bodies sent, whatever came back.',
      each((usage, destination) => [{ labels: { destination }, value: usage.bytesUp }]),
    ),
    counter(
      'logcask_received_bytes_total',
      'Bytes of bodies received.',
      each((usage, destination) => [{ labels: { destination }, value: usage.bytesDown }]),
    ),
  ]
}

/** By the names that every exporter uses for them. */
function ofProcess({ process: { residentBytes, cpuSeconds, startedAtMs } }: MetricFacts): MetricFamily[] {
  return [
    gauge('process_resident_memory_bytes', 'Resident memory.', [{ value: residentBytes }]),
    counter('process_cpu_seconds_total', 'User and system CPU time.', [{ value: cpuSeconds }]),
    gauge('process_start_time_seconds', 'When the agent started, since 1970.', [{ value: startedAtMs / 1000 }]),
  ]
}

function gauge(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, type: 'gauge', help, samples }
}

function counter(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, type: 'counter', help, samples }
}

function some(value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ value }]
}
