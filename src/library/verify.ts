import { systemClock } from '../base/clock.ts'
import { LogcaskError } from '../base/errors.ts'
import { retryingReads } from '../bucket/retrying-reads.ts'
import { listHosts } from '../bucket/stream-inventory.ts'
import { openBucket } from '../cli/compose/open-bucket.ts'
import { noSuchHost } from '../cli/read/read-bucket.ts'
import { verifyHost } from '../compactor/verify.ts'
import type { VerifiedStream } from '../compactor/verify-stream.ts'
import { worstOf } from '../compactor/verify-verdict.ts'
import { lossForOthers } from './cat.ts'
import type { Loss, StreamVerification, Verification, VerifyOptions } from './reading-contract.ts'

export async function verifyBucket(url: string, options: VerifyOptions): Promise<Verification> {
  const { host, quick = false, signal = new AbortController().signal, ...store } = options
  signal.throwIfAborted()
  const opened = await openBucket(url, store, 'read', systemClock)
  try {
    const bucket = retryingReads(opened, systemClock)
    const hosts = host === undefined ? await listHosts(bucket, { signal }) : [host].flat()
    if (hosts.length === 0)
      throw new LogcaskError('invalid', `${bucket.url}: nothing has been delivered here`, {
        hint: `is its prefix right? logcask ls ${bucket.url}`,
      })
    const streams: StreamVerification[] = []
    let strays = 0
    const tampered: string[] = []
    for (const one of hosts) {
      const before = streams.length
      await verifyHost(bucket, one, {
        isQuick: quick,
        signal,
        onStream(verified) {
          strays += verified.strays
          streams.push(streamForOthers(verified))
        },
        onStray: () => strays++,
        onTampered: (key) => tampered.push(key),
      })
      if (streams.length === before) throw await noSuchHost(bucket, one, signal)
    }
    const verdicts = streams.map(({ verdict }) => verdict)
    const verdict = worstOf(tampered.length > 0 ? [...verdicts, 'differs'] : verdicts)
    return { verdict, streams: streams.sort(byName), strays, tampered }
  } finally {
    await opened.close()
  }
}

function byName(a: StreamVerification, b: StreamVerification): number {
  if (a.host !== b.host) return a.host < b.host ? -1 : 1
  return a.stream < b.stream ? -1 : 1
}

function streamForOthers(verified: VerifiedStream): StreamVerification {
  const { verdict, host, stream, origin, completeness, bytes, segments, differsAt, strays, tampered } = verified
  return {
    verdict,
    host,
    stream,
    path: origin?.path,
    state: completeness.kind === 'unsealed' ? 'live' : completeness.kind,
    bytes,
    segments,
    differsAt: [...differsAt],
    losses: lossesOf(verified),
    strays,
    tampered,
    problem: verified.problem,
  }
}

function lossesOf({ completeness, expiredBefore, gaps, sealProblem }: VerifiedStream): Loss[] {
  return [
    ...(expiredBefore === undefined ? [] : [{ kind: 'expired' as const, before: expiredBefore }]),
    ...(completeness.kind === 'short' ? [{ kind: 'short' as const, missing: completeness.missing }] : []),
    ...(sealProblem === undefined ? [] : [{ kind: 'unread-seal' as const, problem: sealProblem }]),
    ...gaps.map((gap) => lossForOthers({ kind: 'gap', ...gap })),
  ]
}
