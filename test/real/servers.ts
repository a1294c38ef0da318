/**
 * The real servers, in the order in which they are installed: quick ones first. How each is installed and started is in
 * `servers/<name>.sh`; what it is known to do is declared here, and server.test.ts holds it to that.
 */
export interface RealServer {
  name: string
  /** Rejects a body that has not the SHA-256 that is signed and sent as its checksum. */
  verifiesChecksum: boolean
  /** Answers 403 to a wrong secret. */
  verifiesSecret: boolean
  /** Does not keep If-None-Match, or not of several at once: the probe must refuse it before a byte is sent. */
  isRefused: boolean
  /** A versioned bucket keeps If-None-Match as well, does not (and is refused), or is not to be had. */
  versioned: 'kept' | 'refused' | 'none'
  /** Says that it encrypts when it is asked to: others refuse, or store in the clear. */
  encrypts: boolean
  /** Gives out roles, as STS does. */
  givesRoles: boolean
  /** Has queues as SQS does, and tells them of new objects. */
  hasQueues: boolean
}

const sound = {
  verifiesChecksum: true,
  verifiesSecret: true,
  isRefused: false,
  encrypts: false,
  givesRoles: false,
  hasQueues: false,
} as const
const unsound = { ...sound, isRefused: true, versioned: 'none' } as const

export const realServers: readonly RealServer[] = [
  { ...sound, name: 'versitygw', versioned: 'none' },
  { ...sound, name: 'ceph-rgw', versioned: 'refused' },
  {
    ...sound,
    name: 'ministack',
    versioned: 'kept',
    verifiesSecret: false,
    encrypts: true,
    givesRoles: true,
    hasQueues: true,
  },
  // Versioned, moto leaves out the first key after a KeyMarker that does not exist (5.2.1).
  {
    ...sound,
    name: 'moto',
    versioned: 'none',
    verifiesChecksum: false,
    verifiesSecret: false,
    encrypts: true,
    givesRoles: true,
  },
  { ...sound, name: 'localstack', versioned: 'kept', verifiesSecret: false, encrypts: true, hasQueues: true },
  { ...unsound, name: 's3proxy' },
  { ...unsound, name: 'rclone' },
]

/** What every recipe sets its server up with. */
export const credentials = { accessKey: 'test', secretKey: 'testtest1' }

/** A tool of the tests, installed like a server. */
export const awsCli = 'awscli'
/** logrotate, rsyslogd and the like, which test/scenarios/programs runs: unpacked like a server. */
export const programs = 'programs'
/** A tool as well: it asks clients for certificates in front of a store, for the suite `mutualTls`. */
export const nginx = 'nginx'
export const mutualTls = { suite: 'mutual-tls', store: 'versitygw' }
