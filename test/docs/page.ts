/** A fenced block of a page: what its fence says, and what is in it. */
export interface Block {
  /** `yaml`, `sh`, `sh service`, `cron` …; `text` is somebody else's. */
  kind: string
  text: string
}

/** The blocks below a heading of the second level, up to the next one. */
export function blocksBelow(markdown: string, heading: string): Block[] {
  const section = markdown.split(/^## /m).find((one) => one.startsWith(`${heading}\n`))
  if (section === undefined) throw new Error(`no heading ${heading}`)
  return [...section.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(([, kind = '', text = '']) => ({ kind, text }))
}

/** The headings of the second level. */
export function headingsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading)
}

/** What cron would run: in `/etc/cron.d` five times, a user, a command. */
export function cronCommands(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const command = /^(?:[\d*/,-]+ ){5}root (logcask .+)$/.exec(line)?.[1]
      // To cron a % ends the line.
      if (command === undefined || command.includes('%')) throw new Error(`no line of /etc/cron.d: ${line}`)
      return command
    })
}
