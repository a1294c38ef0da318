/**
 * How to reach a store, as whom, and how it stores: of a destination of the configuration, or of a command's flags. A URL's
 * query may say some of it, too.
 */
export interface StoreSettings {
  endpoint?: string | undefined
  region?: string | undefined
  profile?: string | undefined
  /** Files in PEM: the authority to trust; our certificate and its key. */
  ca?: string | undefined
  cert?: string | undefined
  key?: string | undefined
  // From here on only a configuration says it.
  /** The role to take on, and what its owner asks for. */
  roleArn?: string | undefined
  externalId?: string | undefined
  sse?: 'AES256' | 'aws:kms' | undefined
  kmsKey?: string | undefined
  storageClass?: string | undefined
  expectedBucketOwner?: string | undefined
  fips?: boolean | undefined
  dualStack?: boolean | undefined
  requestTimeoutMs?: number | undefined
}
