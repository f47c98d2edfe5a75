// Passkeys: the one thing of these pages that needs script. Without it every page says how to sign in another way.
'use strict';
(() => {
  const hex = (buffer) => [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, '0')).join('');
  const text = (value) => new TextEncoder().encode(value);
  const bytes = (value) => Uint8Array.from(value.match(/../g) || [], (two) => parseInt(two, 16));
  if (!window.PublicKeyCredential || !window.isSecureContext) return;
  const say = (form, words) => { form.querySelector('[role="status"]').textContent = words; };
  const ask = async (form) => {
    const body = new URLSearchParams();
    const secret = form.querySelector('[name="form"]');
    if (secret) body.set('form', secret.value);
    const answer = await fetch(form.dataset.challenge, { method: 'POST', body });
    if (!answer.ok) throw new Error('the server gave nothing to sign');
    return answer.text();
  };
  const fill = (form, fields) => { for (const name in fields) form.elements[name].value = fields[name]; };
  const make = async (form) => {
    const challenge = text(await ask(form));
    const known = (form.dataset.known || '').split(' ').filter(Boolean);
    const made = await navigator.credentials.create({ publicKey: {
      challenge,
      rp: { id: location.hostname, name: form.dataset.site },
      user: { id: bytes(form.dataset.user), name: form.dataset.name, displayName: form.dataset.name },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
      excludeCredentials: known.map((id) => ({ type: 'public-key', id: bytes(id) })),
      authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
      attestation: 'none',
    } });
    fill(form, { client: hex(made.response.clientDataJSON), authenticator: hex(made.response.getAuthenticatorData()) });
  };
  const use = async (form) => {
    const challenge = text(await ask(form));
    const used = await navigator.credentials.get({ publicKey: {
      challenge, rpId: location.hostname, userVerification: 'required',
    } });
    const { clientDataJSON, authenticatorData, signature, userHandle } = used.response;
    fill(form, {
      id: hex(used.rawId), user: hex(userHandle || new ArrayBuffer(0)), client: hex(clientDataJSON),
      authenticator: hex(authenticatorData), signature: hex(signature),
    });
  };
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    form.hidden = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      try {
        await (form.dataset.passkey === 'make' ? make : use)(form);
      } catch (error) {
        say(form, `It did not work: ${error.message || error.name}`);
        return;
      }
      form.submit();
    });
  }
})();
