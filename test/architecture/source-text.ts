/**
 * TypeScript seen cheaply, without a compiler: enough to find imports and calls, and not to stumble over comments,
 * strings and regular expressions that only mention them.
 */
export interface SourceText {
  /** Modules that it imports from, or exports again: `static` when it is loaded, `dynamic` when a call comes that far. */
  imports: { specifier: string; kind: 'static' | 'dynamic'; names: string }[]
  /** The code, with comments and the insides of strings blanked; lines and columns stand. */
  code: string
}

export function readSource(source: string): SourceText {
  const { code, text } = blank(source)
  return { imports: importsOf(text), code }
}

const importPattern =
  /(?<![.\w$])(?:import|export)\b(?!\s*\()(?<names>[\w\s{},*$]*?)(?:\bfrom\s*)?(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/g
const dynamicPattern = /(?<![.\w$])import\s*\(\s*(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/g

function importsOf(text: string): SourceText['imports'] {
  const found = (pattern: RegExp, kind: 'static' | 'dynamic'): SourceText['imports'] =>
    [...text.matchAll(pattern)].map(({ groups }) => ({
      specifier: groups?.specifier ?? '',
      names: groups?.names?.trim() ?? '',
      kind,
    }))
  return [...found(importPattern, 'static'), ...found(dynamicPattern, 'dynamic')]
}

/** What may stand before a regular expression; after anything else `/` divides. */
const beforeRegex = /(?:^|[=(,:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|void|await|yield))\s*$/

/** `text` is the source without comments; `code` has neither comments nor the insides of strings. */
function blank(source: string): { code: string; text: string } {
  let code = ''
  let text = ''
  /** Brace depth at which each open `${` of a template began. */
  const templates: number[] = []
  let depth = 0
  let at = 0

  const take = (length: number, inText: boolean, inCode: boolean): void => {
    const piece = source.slice(at, at + length)
    const spaces = piece.replace(/[^\n]/g, ' ')
    text += inText ? piece : spaces
    code += inCode ? piece : spaces
    at += length
  }
  const takeString = (length: number): void => {
    take(1, true, true)
    if (length > 2) take(length - 2, true, false)
    if (length > 1) take(1, true, true)
  }
  const takeTemplate = (): void => {
    const match = /^(?:\\[\s\S]|(?!\$\{)[^`\\])*/.exec(source.slice(at))
    take(match?.[0].length ?? 0, true, false)
    if (source.startsWith('${', at)) {
      templates.push(depth)
      depth++
      take(2, true, true)
    } else take(1, true, true)
  }

  while (at < source.length) {
    const rest = source.slice(at)
    const character = rest[0] ?? ''
    const comment = /^(?:\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))/.exec(rest)
    const string = /^(?:'(?:\\[\s\S]|[^'\\\n])*'?|"(?:\\[\s\S]|[^"\\\n])*"?)/.exec(rest)
    if (comment) take(comment[0].length, false, false)
    else if (string) takeString(string[0].length)
    else if (character === '`') {
      take(1, true, true)
      takeTemplate()
    } else if (character === '}' && templates.at(-1) === depth - 1) {
      templates.pop()
      depth--
      take(1, true, true)
      takeTemplate()
    } else if (character === '/' && beforeRegex.test(code)) {
      const regex = /^\/(?:\\[^\n]|\[(?:\\[^\n]|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/.exec(rest)
      take(regex?.[0].length ?? 1, false, regex === null)
    } else {
      if (character === '{') depth++
      if (character === '}') depth--
      take(1, true, true)
    }
  }
  return { code, text }
}
