import { describe } from 'vitest'
import { itSurvives } from './it-survives.ts'

describe('ship that is killed again and again', () => {
  itSurvives('I1, I2, I3: completes what others began, and repeats nothing', ['ship, by chance'])
})

describe('compact that is killed again and again', () => {
  itSurvives('I8: what it has published only grows, and is the files in the end', ['compact, by chance'])
})
