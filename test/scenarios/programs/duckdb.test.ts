import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { createDirectoryBucket } from '../../../src/bucket/directory.ts'
import { blocksBelow } from '../../docs/page.ts'
import { storedStream } from '../../support/stored-stream.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { logcask } from '../logcask-process.ts'

/** A query engine that runs in this process; from npm, into the room of the programs. */
interface DuckDb {
  DuckDBInstance: {
    create(): Promise<{ connect(): Promise<{ runAndReadAll(sql: string): Promise<{ getRowsJson(): unknown[][] }> }> }>
  }
}

const home = join(process.env.LOGCASK_TEST_PROGRAMS ?? '/nowhere', 'duckdb')
const isThere = existsSync(join(home, 'node_modules/@duckdb/node-api'))

const day = (date: string, inode: string): string => `${date}T101500123456789Z-${inode}`

describe.skipIf(!isThere)(`DuckDB${isThere ? '' : ' (not run: no DuckDB here; .ci/run programs fetches it)'}`, () => {
  it('reads an archive as docs/archive.md says: hosts and days are columns, each line is there once', async () => {
    const directory = await tempDirectory('duckdb')
    const [from, to] = [join(directory, 'bucket'), join(directory, 'archive')]
    const bucket = createDirectoryBucket({ root: from, create: true }, systemClock)
    const lines = (host: string, first: number, last: number): string =>
      Array.from(
        { length: last - first },
        (_, at) => `${JSON.stringify({ host, n: first + at, text: 'a, "b"' })}\n`,
      ).join('')
    const streams = [
      { host: 'web-1', stream: day('20261120', 'a1'), to: 300 },
      { host: 'web-1', stream: day('20261121', 'a2'), to: 200 },
      { host: 'db:1', stream: day('20261121', 'a1'), to: 100 },
    ]
    const archived = async (): Promise<void> => {
      const urls = ['--from', pathToFileURL(from).href, '--archive', pathToFileURL(to).href]
      const { code, stderr } = await logcask(['compact', ...urls, '--once'])
      expect([code, code === 0 ? '' : stderr]).toEqual([0, ''])
    }
    for (const { host, stream, to } of streams) {
      const stored = storedStream(bucket, host, stream, '/var/log/app.json')
      await stored.append(lines(host, 0, to))
      await stored.seal()
      if (stream !== streams[0]?.stream) continue
      // It went on after its seal: a longer object stands beside the first one.
      await archived()
      await stored.append(lines(host, to, to + 50))
      await stored.seal()
    }
    await archived()
    await bucket.close()

    const { DuckDBInstance } = createRequire(join(home, 'package.json'))('@duckdb/node-api') as DuckDb
    const connection = await (await DuckDBInstance.create()).connect()
    const rows = async (sql: string): Promise<unknown[][]> => (await connection.runAndReadAll(sql)).getRowsJson()
    // As the page has them, with the directory in place of the bucket.
    const page = await readFile(join(import.meta.dirname, '../../../docs/archive.md'), 'utf8')
    const [all = '', longest = ''] = (blocksBelow(page, 'DuckDB')[0]?.text ?? '')
      .replaceAll('s3://acme-archive/logs', to)
      .split(';\n')
    expect((await rows(all)).map(([host, date, count]) => [host, String(date), Number(count)]).sort()).toEqual([
      ['db:1', '2026-11-21', 100],
      ['web-1', '2026-11-20', 300 + 350],
      ['web-1', '2026-11-21', 200],
    ])
    const files = (await rows(longest)).map(([file]) => `'${file}'`)
    expect(files).toHaveLength(3)
    const table = `read_json([${files.join(', ')}], format = 'newline_delimited', hive_partitioning = true, columns = {n: 'bigint', text: 'varchar'})`
    const counted = await rows(
      `select host, date::varchar, count(*)::int, count(distinct n)::int, max(n)::int from ${table} where text = 'a, "b"' group by all order by all`,
    )
    expect(counted).toEqual([
      ['db:1', '2026-11-21', 100, 100, 99],
      ['web-1', '2026-11-20', 350, 350, 349],
      ['web-1', '2026-11-21', 200, 200, 199],
    ])
  })
})
