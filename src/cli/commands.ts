import type { Command } from './command.ts'

export type Commands = Readonly<Record<string, CommandEntry>>

export interface CommandEntry {
  /** For `logcask --help`: a few words, no full stop. Here, so that the list does not have to load every command. */
  summary: string
  /** Loaded when it is named: a command pays for what it needs, and no more. */
  load: () => Promise<{ command: Command }>
}

/** In the order of `logcask --help`. */
export const commands: Commands = {
  ship: {
    summary: 'deliver files once, to every destination, and end',
    load: () => import('./ship.ts'),
  },
  agent: {
    summary: 'watch files, and ship what is appended',
    load: () => import('./agent.ts'),
  },
  drain: {
    summary: 'before a machine goes: everything delivered, sealed and verified, or not 0',
    load: () => import('./drain.ts'),
  },
  wait: {
    summary: 'until all that is in these files now is delivered',
    load: () => import('./wait.ts'),
  },
  compact: {
    summary: 'put complete files together from a bucket, and let them grow',
    load: () => import('./compact.ts'),
  },
  sync: {
    summary: 'copy what one bucket has and another lacks',
    load: () => import('./sync.ts'),
  },
  serve: {
    summary: 'the same, and answer over HTTP: hosts, streams, content, live follow',
    load: () => import('./serve.ts'),
  },
  ls: {
    summary: 'list hosts, files and their streams in a bucket',
    load: () => import('./ls.ts'),
  },
  cat: {
    summary: 'print a file from a bucket, verified, whole or a range of it, or as it grows',
    load: () => import('./cat.ts'),
  },
  grep: {
    summary: 'search files in a bucket or a server, many at once',
    load: () => import('./grep.ts'),
  },
  verify: {
    summary: 'read a bucket back: chains, seals, gaps; what is missing or differs',
    load: () => import('./verify.ts'),
  },
  status: {
    summary: 'how the agent stands with each destination',
    load: () => import('./status.ts'),
  },
  why: {
    summary: 'which stream a file belongs to, by which evidence, and what it waits for',
    load: () => import('./why.ts'),
  },
  validate: {
    summary: 'check the configuration: what it matches, what it costs, what is wrong',
    load: () => import('./validate.ts'),
  },
  doctor: {
    summary: 'try out a store before it is trusted with logs, and say what to mend',
    load: () => import('./doctor.ts'),
  },
  completion: {
    summary: 'what lets bash, zsh or fish complete all this',
    load: () => import('./completion.ts'),
  },
  demo: {
    summary: 'see it survive a lost bucket and kill -9, in 30 seconds',
    load: () => import('./demo.ts'),
  },
}
