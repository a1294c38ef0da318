export interface Instruction {
  name: string
  value: string
}

/** The instructions of a Dockerfile, comments left out and lines that go on joined. */
export function instructionsOf(text: string): Instruction[] {
  const joined = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replace(/\\\n/g, ' ')
  return joined
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', value = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
      if (name === '') throw new Error(`no instruction: ${line}`)
      return { name, value: value.trim() }
    })
}

/** Of one kind; with what `--build-arg` and ARG give put in. */
export function valuesOf(
  instructions: readonly Instruction[],
  name: string,
  args: Readonly<Record<string, string>> = {},
): string[] {
  return instructions
    .filter((one) => one.name === name)
    .map(({ value }) => value.replace(/\$\{(\w+)\}/g, (whole, arg: string) => args[arg] ?? whole))
}
