import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkout } from './known-words.ts'
import { blocksOf, type PageBlock, placeOf } from './page-blocks.ts'
import { isPicture, runnerOf } from './ways.ts'

/** A page whose commands a test runs, block by block; what it left out is told. */
export class PageToFollow {
  readonly #blocks: readonly PageBlock[]
  readonly #taken = new Set<PageBlock>()

  private constructor(blocks: readonly PageBlock[]) {
    this.#blocks = blocks
  }

  static async open(page: string): Promise<PageToFollow> {
    return new PageToFollow(blocksOf(page, await readFile(join(checkout, page), 'utf8')))
  }

  /** The one block that holds these words. */
  take(words: string): PageBlock {
    const [block, another] = this.#blocks.filter(({ text }) => text.includes(words))
    if (block === undefined || another !== undefined) throw new Error(`not exactly one block has ${words}`)
    this.#taken.add(block)
    return block
  }

  /** Blocks that this test should have taken, and did not. */
  left(by: string): string[] {
    const own = this.#blocks.filter((block) => runnerOf(block) === by && !isPicture(block))
    return own.filter((block) => !this.#taken.has(block)).map(placeOf)
  }
}
