/** LOGCASK_LONG=1: every scenario at the size and for the time that its description gives, instead of a small form. */
export const isLong = process.env.LOGCASK_LONG === '1'

export function whenLong<T>(long: T, short: T): T {
  return isLong ? long : short
}
