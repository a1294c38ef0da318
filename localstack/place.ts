import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where a local AWS lives while it is up; `down` removes all of it. */
export const checkout = join(import.meta.dirname, '..')
export const place = process.env.LOGCASK_LOCAL_DIR ?? join(import.meta.dirname, '.run')
export const recordFile = join(place, 'up.json')
export const hosts = ['web-1', 'web-2'] as const
export type Host = (typeof hosts)[number]

export const vault = 's3://acme-logs/prod/'
export const archive = 's3://acme-archive/files/'
export const account = '000000000000'
export const region = 'us-east-1'

/** What is running, so that others find and end it. */
export interface Record {
  endpoint: string
  page: string
  store: 'ministack' | 'localstack'
  processes: Running[]
}

/** A process group of ours: its leader's id, and when that began, since ids are used again. */
export interface Running {
  name: string
  pid: number
  began: string
}

/** Undefined where nothing is up. */
export function readRecord(): Record | undefined {
  try {
    return JSON.parse(readFileSync(recordFile, 'utf8')) as Record
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** When the process began, in the kernel's ticks; undefined where there is none. */
export function beganAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name, in parentheses, may hold anything.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? undefined : rest[18]
  } catch {
    return undefined
  }
}

export function isRunning({ pid, began }: Running): boolean {
  return beganAt(pid) === began
}

/** Of the environment only what a program needs, and nothing of this machine's own AWS. */
export function environment(endpoint: string, profile: string): { [name: string]: string } {
  return {
    PATH: process.env.PATH ?? '',
    HOME: place,
    AWS_CONFIG_FILE: join(place, 'aws.config'),
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_PROFILE: profile,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: endpoint,
    AWS_EC2_METADATA_DISABLED: 'true',
    no_proxy: '127.0.0.1',
  }
}

export function queueUrl(endpoint: string): string {
  return `${endpoint}/${account}/log-compactor`
}

export function logOf(host: Host): string {
  return join(place, host, 'log/app.log')
}
