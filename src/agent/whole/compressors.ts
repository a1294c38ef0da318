import { constants, createGzip, createZstdCompress, type Gzip, type ZstdCompress } from 'node:zlib'
import { createLimiter } from '../../base/concurrency.ts'

type Encoding = 'gzip' | 'zstd'
/** The types of Node 24 do not say that these have it, too. */
type Compressor = (Gzip | ZstdCompress) & { reset(): void }

/** At once, and kept for the next file: more threads than that a machine of logs does not spare. */
const compressorsMax = 4
/** What most files fit in: read into memory that is used again, they leave no garbage but what is sent. */
export const scratchBytes = 256 * 1024

/**
 * Compresses whole bodies in memory, with compressors that are used again: each is hundreds of kilobytes, and making one
 * per file would keep the collector busier than the compression is.
 */
export class Compressors {
  readonly #limit = createLimiter(compressorsMax)
  /** As many as files are under way at once, 8 per destination. */
  readonly #scratches: Uint8Array[] = []
  readonly #idle: Record<Encoding, Compressor[]> = { gzip: [], zstd: [] }

  compress(bytes: Uint8Array, encoding: Encoding): Promise<Uint8Array> {
    return this.#limit(async () => {
      const compressor = this.#idle[encoding].pop() ?? made(encoding)
      const compressed = await compressOne(compressor, bytes, encoding)
      this.#idle[encoding].push(compressor)
      return compressed
    })
  }

  /** Calls `work` with `scratchBytes` of memory, which are somebody else's afterwards. */
  async withScratch<T>(work: (scratch: Uint8Array) => Promise<T>): Promise<T> {
    const scratch = this.#scratches.pop() ?? new Uint8Array(scratchBytes)
    const result = await work(scratch)
    // Not after a failure: a read or a compressor may still be at it.
    this.#scratches.push(scratch)
    return result
  }

  close(): void {
    for (const compressor of [...this.#idle.gzip.splice(0), ...this.#idle.zstd.splice(0)]) compressor.close()
  }
}

function made(encoding: Encoding): Compressor {
  return (encoding === 'gzip' ? createGzip() : createZstdCompress()) as Compressor
}

function compressOne(compressor: Compressor, bytes: Uint8Array, encoding: Encoding): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    const take = (piece: Buffer): void => {
      pieces.push(piece)
    }
    // A failed one is not used again.
    const fail = (error: Error): void => {
      compressor.close()
      reject(error)
    }
    compressor.on('data', take).once('error', fail)
    compressor.write(bytes)
    compressor.flush(encoding === 'gzip' ? constants.Z_FINISH : constants.ZSTD_e_end, () => {
      compressor.off('data', take).off('error', fail)
      // zstd begins a new frame by itself; its reset makes a new context of megabytes, which alarms the collector.
      if (encoding === 'gzip') compressor.reset()
      resolve(Buffer.concat(pieces))
    })
  })
}
