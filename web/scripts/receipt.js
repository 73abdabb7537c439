// Checks a proof of appointment here, without asking anybody: SHA-256 and Ed25519 by WebCrypto, with the keys that stand in the page.
// Format: docs/receipts.md. What cannot be checked here goes to the server with the form.
const bytesOf = (text) => {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
};
const join = (...parts) => {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
};

const verify = (key, signature, signed) => crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify'])
  .then((k) => crypto.subtle.verify('Ed25519', k, signature, signed));

// {verdict, statement}: the verdict is the key of a text of the page's.
export async function check(text, keys) {
  const parts = text.trim().split('/receipt#').pop().split('.');  // a link to it is as good
  if (parts[0] !== 'janji2' || parts.length !== 4) return {verdict: 'malformed'};
  const key = keys[parts[1]];
  if (!key) return {verdict: 'other_key'};
  let statement, proof;
  try {
    statement = bytesOf(parts[2]);
    proof = bytesOf(parts[3]);
  } catch {
    return {verdict: 'malformed'};
  }
  if (proof.length !== 64) return {verdict: 'malformed'};
  const leaf = new Uint8Array(await crypto.subtle.digest('SHA-256', join(Uint8Array.of(0), statement)));
  const good = await verify(bytesOf(key), proof, join(new TextEncoder().encode('janji receipt 2'), leaf));
  const fields = new TextDecoder().decode(statement).split('\x1f');
  return {verdict: good ? (fields[1] === 'TEST' ? 'test' : 'good') : 'changed', statement: good ? fields : undefined};
}

export function checkReceipts() {
  const source = document.getElementById('receipt-data');
  const form = document.querySelector('form[data-receipt]');
  if (!source || !form) return;
  const data = JSON.parse(source.textContent);
  const box = document.getElementById('verdict');
  const area = form.elements.receipt;
  const show = (result) => {
    const panel = document.createElement('div');
    panel.className = `panel ${result.verdict === 'good' ? 'good' : 'stop'}`;
    const lead = document.createElement('p');
    lead.className = 'lead';
    lead.textContent = data.words[result.verdict];
    panel.append(lead);
    if (result.statement) {
      const rows = document.createElement('dl');
      rows.className = 'summary';
      [2, 3, 4, 5, 6, 7, 8].forEach((i, n) => {
        const row = document.createElement('div');
        const label = document.createElement('dt');
        const value = document.createElement('dd');
        label.textContent = data.labels[n];
        value.textContent = (i === 5 && data.round === result.statement[2] && data.places[result.statement[i]]) || result.statement[i];
        row.append(label, value);
        rows.append(row);
      });
      panel.append(rows);
    }
    const by = document.createElement('p');
    by.className = 'hint';
    by.textContent = data.words.by;
    panel.append(by);
    box.textContent = '';
    box.append(panel);
  };
  const judge = async (text) => {
    try {
      show(await check(text, data.keys));
      return true;
    } catch {
      return false;  // no Ed25519 here: the server checks
    }
  };
  form.addEventListener('submit', async (event) => {
    if (!area.value.trim().startsWith('janji2.') || form.dataset.server === 'yes') return;
    event.preventDefault();
    event.stopPropagation();
    if (await judge(area.value)) return;
    form.dataset.server = 'yes';
    form.submit();
  }, true);
  const fromAddress = async () => {
    const text = location.hash.slice(1).replace(/%3D/gi, '=');
    if (!text.startsWith('janji')) return;
    history.replaceState(null, '', location.pathname + location.search);
    area.value = text;
    if (!text.startsWith('janji2.') || !(await judge(text))) form.submit();
  };
  window.addEventListener('hashchange', fromAddress);
  fromAddress();
}
