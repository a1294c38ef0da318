import type { Clock } from '../../base/clock.ts'
import { LogcaskError, messageOf } from '../../base/errors.ts'
import { callerUserId } from '../../bucket/s3-caller.ts'
import type { InstanceFacts } from '../../config/template.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** On an instance an answer takes milliseconds; elsewhere nobody answers at all. */
const limitMs = 4_000
const tokenSeconds = '60'

/**
 * What the cloud calls this machine; asked only where a template holds one of `names` (`instance_id`, `aws_userid`).
 * Rejects with `refused`, naming who was asked and the remedy.
 */
export async function readInstance(names: ReadonlySet<string>, env: Environment, clock: Clock): Promise<InstanceFacts> {
  return {
    instanceId: names.has('instance_id') ? await readInstanceId(env, clock) : undefined,
    awsUserId: names.has('aws_userid') ? await readUserId(env, clock) : undefined,
  }
}

/** IMDSv2 only: its first version answers to any request that a server can be tricked into. */
async function readInstanceId(env: Environment, clock: Clock): Promise<string> {
  const base = env.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? 'http://169.254.169.254'
  if (env.AWS_EC2_METADATA_DISABLED === 'true')
    throw refused('{instance_id}', 'AWS_EC2_METADATA_DISABLED forbids to ask for it')
  const ask = async (path: string, init: RequestInit): Promise<string> => {
    const answer = await fetch(new URL(path, base), init)
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}`)
    return (await answer.text()).trim()
  }
  try {
    return await within(clock, async (signal) => {
      const headers = { 'X-aws-ec2-metadata-token-ttl-seconds': tokenSeconds }
      const token = await ask('/latest/api/token', { method: 'PUT', headers, signal })
      return await ask('/latest/meta-data/instance-id', { headers: { 'X-aws-ec2-metadata-token': token }, signal })
    })
  } catch (cause) {
    throw refused('{instance_id}', `${base} (IMDSv2) did not tell it: ${messageOf(cause)}`, cause)
  }
}

/** As policies have it in aws:userid: for an instance, its role's id and the instance's. */
async function readUserId(env: Environment, clock: Clock): Promise<string> {
  try {
    return await within(clock, (signal) => callerUserId(env, signal))
  } catch (cause) {
    throw refused('{aws_userid}', `STS did not tell it: ${messageOf(cause)}`, cause)
  }
}

async function within<T>(clock: Clock, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const limit = new AbortController()
  const cancel = clock.timer(limitMs, () => limit.abort(new Error(`no answer within ${limitMs / 1000} s`)))
  try {
    return await ask(limit.signal)
  } catch (error) {
    limit.signal.throwIfAborted()
    throw error
  } finally {
    cancel()
  }
}

function refused(what: string, problem: string, cause?: unknown): LogcaskError {
  return new LogcaskError('refused', `${what}: ${problem}`, {
    hint: 'on an instance let it reach the metadata service and STS; elsewhere use {hostname} or {machine_id}',
    cause,
  })
}
