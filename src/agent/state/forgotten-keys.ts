/**
 * Keys of the checkpoint whose lines go. A life that ended and was forgotten between two saves was written only as one that
 * goes on (its key without the `e`), and that line would bring it back; unless that key is another's by now.
 */
export function* withGoingOn(forgotten: Iterable<string>, keysNow: () => ReadonlySet<string>): Iterable<string> {
  let taken: ReadonlySet<string> | undefined
  for (const key of forgotten) {
    yield key
    if (!key.endsWith('e')) continue
    taken ??= keysNow()
    const before = key.slice(0, -1)
    if (!taken.has(before)) yield before
  }
}
