/** Content is escaped; children are elements that have been made here. */
export function element(name: string, content: string | number | boolean | readonly string[]): string {
  return `<${name}>${Array.isArray(content) ? content.join('') : escapeXml(String(content))}</${name}>`
}

export function xml(name: string, children: readonly string[]): string {
  const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name} xmlns="${namespace}">${children.join('')}</${name}>`
}

export function errorXml(code: string, message: string, more: Record<string, string> = {}): string {
  const fields = Object.entries({ Code: code, Message: message, ...more, RequestId: 'FAULT' })
  const children = fields.map(([name, value]) => element(name, value)).join('')
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${children}</Error>`
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
