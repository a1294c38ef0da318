/** Every bound of format v1, with its reason. */

/** 2^53 − 1: the largest integer that every JSON reader keeps exact. */
export const offsetMax = Number.MAX_SAFE_INTEGER
/** Digits of an offset or length in a key: lexical order is byte order. */
export const offsetDigits = 20
/** What a segment may hold. Readers take a whole one into memory, several at a time; the agent cuts far smaller. */
export const segmentBytesMax = 64 * 1024 * 1024
/** The stretch of stream before an offset that a segment's key vouches for: one page, one disk sector, one pread. */
export const windowBytes = 4096
/** User metadata of one object: S3 counts names and values together against 2 KB. */
export const metadataBytesMax = 2048
/** A seal, gap or alias; larger ones are refused before they are read. */
export const recordBytesMax = 16 * 1024
/** A digest: kept for years, so that the busiest host's take half a gigabyte a year. */
export const digestBytesMax = 64 * 1024
/** Streams in one digest, each at its longest: they fit into the bytes above. */
export const digestStreamsMax = 300
/** S3's own bound on a key, in bytes. */
export const keyBytesMax = 1024
/** A host's encoded form is a directory name in the embedded store and in the compactor's tree. */
export const hostBytesMax = 200
/** Generations of one identity; beyond this something is looping, and it is better to stop than to go on. */
export const generationMax = 999_999
