import type { Command } from './command.ts'

/** Loaded one by one, so that a command pays for what it needs and no more. In the order of `logcask --help`. */
const commands: Readonly<Record<string, () => Promise<{ command: Command }>>> = {}

export const commandNames: readonly string[] = Object.keys(commands)

export async function loadCommand(name: string): Promise<Command | undefined> {
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  return load === undefined ? undefined : (await load()).command
}
