import { ask, problemOf, token } from './client.js'
import { el, put } from './dom.js'
import { shown } from './words.js'

/** Asks for a token, and whether the server knows it. `refusal`: why one that was given before no longer holds. */
export function signIn(refusal, onDone) {
  const input = el('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    'aria-describedby': 'token-said',
  })
  const said = el('div', { id: 'token-said', role: 'alert' })
  const button = el('button', { class: 'primary', type: 'submit' }, 'Sign in')
  const refuse = (text) => {
    put(said, el('p', { class: 'notice bad' }, text))
    input.setAttribute('aria-invalid', 'true')
  }
  const form = el(
    'form',
    {
      class: 'panel stack sign-in',
      async onsubmit(event) {
        event.preventDefault()
        const given = input.value.trim()
        // What no header can carry is no token.
        if (!/^[\x21-\x7e]+$/.test(given))
          return refuse('This is no token: it has letters, digits and signs, and no spaces.')
        button.disabled = true
        token.set(given)
        try {
          const response = await ask('api/v1/hosts?limit=1')
          if (response.ok) return onDone()
          token.set('')
          const problem = await problemOf(response)
          refuse(
            response.status === 401
              ? 'The server does not know this token. Was all of it copied? Whoever runs the server makes new ones: logcask serve --new-token'
              : `The server says: ${shown(problem.message)}`,
          )
        } finally {
          button.disabled = false
          input.select()
        }
      },
    },
    el('h1', {}, 'Sign in'),
    el(
      'p',
      { class: 'muted' },
      'This server wants to know who reads. The token stays in this tab, and is gone when the tab is closed.',
    ),
    el('label', { for: 'token' }, 'Token'),
    input,
    said,
    el('div', {}, button),
  )
  if (refusal) refuse('The server no longer knows the token of this tab. Sign in with another.')
  queueMicrotask(() => input.focus())
  return form
}
