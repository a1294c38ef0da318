import { meteredOperations, outcomes, requestDollars, type Usage } from '../../bucket/metered.ts'
import type { CompactorEvent } from '../../compactor/event.ts'
import { type MessageCounts, messageOutcomes } from '../../compactor/events/queue-reader.ts'
import { type HostSign, hostSigns } from '../../server/host-signs.ts'
import type { ServerLoad } from '../../server/load.ts'
import type { MetricFamily, Sample } from '../../server/metric-text.ts'

const eventKinds = [
  'published',
  'sealed',
  'mismatch',
  'short',
  'gap',
  'set-aside',
  'tampered',
  'problem',
  'queue',
] as const

/** What a server counts of its own work. */
export class ServeCounts {
  readonly events = new Map<string, number>()
  readonly answers = new Map<string, number>()
  publishedBytes = 0
  /** Of the queue, where there is one. */
  messages: MessageCounts | undefined
  refused = 0

  event({ kind }: CompactorEvent): void {
    this.events.set(kind, (this.events.get(kind) ?? 0) + 1)
  }

  published(bytes: number): void {
    this.publishedBytes += bytes
  }

  answer(status: number): void {
    const kind = `${Math.floor(status / 100)}xx`
    this.answers.set(kind, (this.answers.get(kind) ?? 0) + 1)
  }
}

export interface ServeFacts {
  version: string
  counts: ServeCounts
  load: ServerLoad
  usage: Usage
  /** By their signs of life; undefined until they are known. */
  hosts?: ReadonlyMap<HostSign, number> | undefined
  process: { residentBytes: number; cpuSeconds: number; startedAtMs: number }
}

/** As many series as there are words of ours: none has the name of a host, a file or a reader. Pure. */
export function serveMetrics({ version, counts, load, usage, hosts, process: own }: ServeFacts): MetricFamily[] {
  const { contents, follows } = load.now
  return [
    family('logcask_build_info', 'gauge', 'Version of logcask and of Node; always 1.', [
      { labels: { version, node: process.versions.node }, value: 1 },
    ]),
    family('logcask_published_bytes_total', 'counter', 'Bytes published in the directory.', [
      { value: counts.publishedBytes },
    ]),
    family(
      'logcask_compactor_events_total',
      'counter',
      'What the compactor told of streams, by kind.',
      eventKinds.map((kind) => ({ labels: { kind }, value: counts.events.get(kind) ?? 0 })),
    ),
    family(
      'logcask_hosts',
      'gauge',
      'Hosts by their signs of life: silent for three hours, for more than a week, or never with one.',
      hosts ? hostSigns.map((sign) => ({ labels: { sign }, value: hosts.get(sign) ?? 0 })) : [],
    ),
    ...(counts.messages ? [messages(counts.messages)] : []),
    family(
      'logcask_http_answers_total',
      'counter',
      'Answers over HTTP, by kind of status.',
      ['2xx', '3xx', '4xx', '5xx'].map((status) => ({ labels: { status }, value: counts.answers.get(status) ?? 0 })),
    ),
    family('logcask_http_refused_total', 'counter', 'Requests that were refused because of who asked.', [
      { value: counts.refused },
    ]),
    family('logcask_http_readers', 'gauge', 'Clients that are being sent content, or follow a stream.', [
      { labels: { kind: 'content' }, value: contents },
      { labels: { kind: 'follow' }, value: follows },
    ]),
    family('logcask_requests_total', 'counter', 'Requests by operation and by what came back.', requests(usage)),
    family('logcask_request_dollars_total', 'counter', 'What these cost at the prices of S3 Standard in us-east-1.', [
      { value: requestDollars(usage) },
    ]),
    family('logcask_received_bytes_total', 'counter', 'Bytes of bodies received.', [{ value: usage.bytesDown }]),
    family('process_resident_memory_bytes', 'gauge', 'Resident memory.', [{ value: own.residentBytes }]),
    family('process_cpu_seconds_total', 'counter', 'User and system CPU time.', [{ value: own.cpuSeconds }]),
    family('process_start_time_seconds', 'gauge', 'When the server started, since 1970.', [
      { value: own.startedAtMs / 1000 },
    ]),
  ]
}

function messages(counts: MessageCounts): MetricFamily {
  const samples = messageOutcomes.map((outcome) => ({ labels: { outcome }, value: counts[outcome] }))
  return family('logcask_messages_total', 'counter', 'Messages of the queue, by what became of them.', samples)
}

function requests(usage: Usage): Sample[] {
  return meteredOperations
    .filter((operation) => operation !== 'put')
    .flatMap((operation) =>
      outcomes
        .filter((outcome) => outcome !== 'exists')
        .map((outcome) => ({ labels: { operation, outcome }, value: usage.requests[operation][outcome] })),
    )
}

function family(name: string, type: MetricFamily['type'], help: string, samples: readonly Sample[]): MetricFamily {
  return { name, type, help, samples }
}
