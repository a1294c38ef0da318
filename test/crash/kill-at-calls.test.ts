import { describe } from 'vitest'
import { itSurvives } from './it-survives.ts'

describe('killed on entry to a system call on the state, the store or what is published', () => {
  itSurvives('I1, I2, I3, I8: loses, doubles and rewrites nothing', [
    'agent, at system calls',
    'ship, at system calls',
    'compact, at system calls',
  ])
})
