import { readFileSync } from 'node:fs'
import { type Ended, endNow, type Running, type RunOptions, spawnLogcask, until } from './logcask-process.ts'

/** `logcask agent -c FILE` as a service manager runs it: started, stopped, killed, starved of the processor, started again. */
export class AgentProcess {
  readonly #config: string
  readonly #options: RunOptions
  #running: Running | undefined
  #before = ''

  constructor(config: string, options: RunOptions = {}) {
    this.#config = config
    this.#options = options
  }

  /** Resolves when it has looked at everything once. `config` is read from now on. */
  async start(config = this.#config): Promise<void> {
    const running = spawnLogcask(['agent', '-c', config], this.#options)
    this.#running = running
    const isUp = (): boolean => running.stderr().includes('"msg":"agent"') || running.process.exitCode !== null
    await until('the agent is up', isUp, { withinMs: 60_000, context: running.stderr })
    if (running.process.exitCode !== null) throw new Error(`the agent ended by itself:\n${running.stderr()}`)
  }

  /** SIGTERM: it delivers what it can. Rejects where it did not end as asked. */
  async stop(): Promise<void> {
    const ended = await this.#end('SIGTERM')
    if (ended && ended.code !== 0)
      throw new Error(`the agent ended with ${ended.code ?? ended.signal}:\n${ended.stderr}`)
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** It gets no processor time until `thaw`; what it holds open, it still holds. */
  async freeze(): Promise<void> {
    const { pid } = this
    process.kill(pid, 'SIGSTOP')
    await until('the agent stands still', () => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  get pid(): number {
    const pid = this.#running?.process.pid
    if (pid === undefined) throw new Error('the agent does not run')
    return pid
  }

  /** Its log so far, that of earlier runs first. */
  said(): string {
    return this.#before + (this.#running?.stderr() ?? '')
  }

  async #end(signal: NodeJS.Signals): Promise<Ended | undefined> {
    const running = this.#running
    if (running === undefined) return undefined
    if (signal === 'SIGKILL') await endNow(running)
    else running.process.kill(signal)
    const ended = await running.ended
    this.#before += ended.stderr
    this.#running = undefined
    return ended
  }
}
