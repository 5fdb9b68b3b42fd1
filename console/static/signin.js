// Signing in with an access key of the keys file.

import {session} from './api.js';
import {field, form, h, input} from './dom.js';

// signInPage asks for a key and calls done with who it is.
export function signInPage(done) {
  document.title = 'Sign in – usher';
  const accessKey = input({name: 'username', required: true, autocomplete: 'username'});
  const secretKey = input({name: 'password', type: 'password', required: true, autocomplete: 'current-password'});
  return h('section', {class: 'card narrow'}, h('h1', null, 'Sign in'),
    h('p', {class: 'lead'}, 'This server has keys. Sign in with an access key and its secret; you can do what the key’s scopes allow.'),
    form('Sign in', async () => done(await session('POST', {accessKey: accessKey.value.trim(), secretKey: secretKey.value})),
      field('Access key ID', accessKey), field('Secret access key', secretKey, 'It is compared and not kept. The session ends after twelve hours, or when the key is taken away.')));
}
