import fc from 'fast-check'
import { identityOf, streamId } from '../../src/format/keys.ts'
import { generationMax, offsetMax } from '../../src/format/limits.ts'
import type { Origin } from '../../src/format/origin.ts'

/** What the properties of format v1 are tried on: everything that an agent may write, and then some. */

export const hex = (length: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))

export const anySha256 = hex(64)

export const anyOffset = fc.oneof(
  fc.integer({ min: 0, max: offsetMax }),
  fc.nat(10_000),
  fc.constantFrom(0, 1, 4095, 4096, 4097, offsetMax - 1, offsetMax),
)

/** Well-formed, since a host name comes from a configuration or the system as UTF-8; at most 200 bytes when encoded. */
export const anyHost = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._:-]{1,40}$/),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  fc.constantFrom('.', '..', '../../etc', 'a/b', ' ', 'host name', 'BÜRO', '=41', '\0', 'AIDACKCEVSQ6C2EXAMPLE'),
)

export const anyIdentity = fc
  .tuple(fc.bigInt({ min: 0n, max: 2n ** 63n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
  .map(([birth, inode]) => identityOf(birth, inode))

export const anyGeneration = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: generationMax }))

export const anyStream = fc
  .tuple(anyIdentity, anyGeneration)
  .map(([identity, generation]) => streamId(identity, generation))

/** Any text that JSON carries, lone surrogates (bytes that are not UTF-8) among it. */
export const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ maxLength: 60 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
)

export const anyPath = fc.oneof(
  anyText.map((text) => `/${text.replaceAll('\0', '')}`),
  fc.constantFrom('/var/log/syslog', '/var/log/a b/c\n.log', '/var/log/\udcff\udc80.log', '/[x]', '/"\\'),
)

export const anyTime = fc
  .date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString())

export const anyOrigin: fc.Arbitrary<Origin> = fc.record(
  {
    machine: hex(32),
    path: anyPath,
    pathSha256: anySha256,
    identity: anyIdentity,
    agent: fc.constantFrom('0.1.0', '12.34.56-rc.1'),
    labels: fc.dictionary(
      fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('__proto__', 'constructor')),
      fc.string({ maxLength: 8 }),
      { maxKeys: 3 },
    ),
    forkOf: fc.record({ stream: anyStream, shared: anyOffset }),
  },
  { requiredKeys: ['path', 'identity', 'agent'], noNullPrototype: true },
)
