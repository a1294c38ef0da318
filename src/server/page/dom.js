/** Elements are made by calls alone: a name or a log line can become text, and never markup. */

const svgSpace = 'http://www.w3.org/2000/svg'

/** `on…` are listeners, `class` and all else are attributes; what is undefined, null or false is left out. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children)
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgSpace, tag), attributes, children)
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value)
    else node.setAttribute(name, value === true ? '' : String(value))
  }
  add(node, children)
  return node
}

export function add(node, children) {
  for (const child of children.flat(9)) {
    if (child === undefined || child === null || child === false) continue
    node.append(child instanceof Node ? child : document.createTextNode(String(child)))
  }
}

export function put(node, ...children) {
  node.replaceChildren()
  add(node, children)
}

/** For screen readers alone: what just happened. */
export function say(text) {
  const said = document.getElementById('said')
  if (said) said.textContent = text
}
