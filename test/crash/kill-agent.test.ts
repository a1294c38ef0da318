import { describe } from 'vitest'
import { itSurvives } from './it-survives.ts'

describe('an agent that is killed again and again while files grow and rotate', () => {
  itSurvives('I1, I2, I3: loses, doubles and rewrites nothing', ['agent, by chance', 'agent, by chance, bad store'])
})

describe('two agents on one host by mistake, killed in turn', () => {
  itSurvives('I3: mix, lose and double nothing', ['two agents, by chance'])
})
