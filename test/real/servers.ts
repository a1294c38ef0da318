/**
 * The real servers, in the order in which they are installed: quick ones first. How each is installed and started is in
 * `servers/<name>.sh`; what it is known to do is declared here, and server.test.ts holds it to that.
 */
export interface RealServer {
  name: string
  /** Rejects a body whose x-amz-checksum-sha256 or signed SHA-256 does not match. */
  verifiesChecksum: boolean
  /** Answers 403 to a wrong secret. */
  verifiesSecret: boolean
  /** Does not keep If-None-Match, or not of several at once: the probe must refuse it before a byte is sent. */
  isRefused: boolean
}

const kept = { verifiesChecksum: true, verifiesSecret: true, isRefused: false }

export const realServers: readonly RealServer[] = [
  { ...kept, name: 'versitygw' },
  { ...kept, name: 'ceph-rgw' },
  { ...kept, name: 'ministack', verifiesSecret: false },
  { ...kept, name: 'moto', verifiesChecksum: false, verifiesSecret: false },
  { ...kept, name: 'localstack', verifiesSecret: false },
  { ...kept, name: 's3proxy', isRefused: true },
  { ...kept, name: 'rclone', isRefused: true },
]

/** What every recipe sets its server up with. */
export const credentials = { accessKey: 'test', secretKey: 'testtest1' }

/** A tool of the tests, installed like a server. */
export const awsCli = 'awscli'
