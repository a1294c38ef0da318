import type { CatOptions, Content, ContentOutcome, ContentSource } from './reading-contract.ts'

/** Opens nothing, and loads nothing, before the first step. */
export class BucketContent implements Content {
  source: ContentSource | undefined
  outcome: ContentOutcome | undefined
  readonly #read: () => AsyncGenerator<Uint8Array, void>

  constructor(url: string, host: string, name: string | undefined, options: CatOptions) {
    this.#read = async function* (this: BucketContent) {
      const { catStream } = await import('./cat.ts')
      this.outcome = yield* catStream(url, host, name, options, (source) => {
        this.source = source
      })
    }.bind(this)
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    return this.#read()
  }
}
