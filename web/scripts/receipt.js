// Checks a proof of appointment here, without asking anybody: SHA-256 and Ed25519 by WebCrypto, with the keys that stand in the page.
// Format: docs/receipts.md. What cannot be checked here goes to the server with the form.
import {sendStep} from './press.js';

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

// Out of a link to it as well, and wrapped over lines.
const proofIn = (text) => text.replace(/\s+/g, '').split('/receipt#').pop();

// {verdict, statement}: the verdict is the key of a text of the page's.
export async function check(text, keys) {
  const parts = proofIn(text).split('.');
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

const minuteMs = 60 * 1000;
// Malaysia's ways of writing: those of the server.
const locales = {ms: 'ms-MY', en: 'en-MY', 'zh-Hans': 'zh-Hans', ta: 'ta-MY'};

// In the words of the page's language; what cannot be read stands as it is in the proof.
const sayDay = (day) => {
  const at = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(day) : NaN;
  if (Number.isNaN(at)) return day;
  const {lang} = document.documentElement;
  return new Intl.DateTimeFormat(locales[lang] ?? lang, {weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC'}).format(at);
};
const sayTimes = (window, range) => {
  const [, from, to] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(window) ?? [];
  return to ? range.replace('{from}', from).replace('{to}', to) : window;
};
// On the round's clock where its round is the one that the page knows.
const sayMoment = (moment, offsetMinutes) => {
  const at = Date.parse(moment);
  if (Number.isNaN(at)) return moment;
  const there = new Date(at + (offsetMinutes ?? 0) * minuteMs).toISOString();
  return `${sayDay(there.slice(0, 10))}, ${there.slice(11, 19)}${offsetMinutes === undefined ? ' UTC' : ''}`;
};

const valuesOf = (statement, data, box) => {
  const [, , round, reference, position, place, day, window, moment] = statement;
  const known = data.round === round;
  return [round, reference, position, (known && data.places[place]) || place, sayDay(day), sayTimes(window, box.dataset.range),
    sayMoment(moment, known ? Number(box.dataset.offset) : undefined)];
};

const rowsOf = (values, labels) => {
  const rows = document.createElement('dl');
  rows.className = 'summary';
  values.forEach((text, n) => {
    const row = document.createElement('div');
    const label = document.createElement('dt');
    const value = document.createElement('dd');
    label.textContent = labels[n];
    value.textContent = text;
    row.append(label, value);
    rows.append(row);
  });
  return rows;
};

const line = (className, text) => {
  const p = document.createElement('p');
  p.className = className;
  p.textContent = text;
  return p;
};

const showVerdict = (result, data, box) => {
  const panel = document.createElement('div');
  panel.className = `panel ${result.verdict === 'good' ? 'good' : 'stop'}`;
  panel.append(line('lead', data.words[result.verdict]));
  if (result.statement) panel.append(rowsOf(valuesOf(result.statement, data, box), data.labels));
  panel.append(line('hint', data.words.by));
  box.textContent = '';
  box.append(panel);
};

const judge = async (text, data) => {
  try {
    showVerdict(await check(text, data.keys), data, document.getElementById('verdict'));
    return true;
  } catch {
    return false;  // no Ed25519 here: the server checks
  }
};

const dataHere = () => JSON.parse(document.getElementById('receipt-data').textContent);

const fromAddress = async () => {
  const text = location.hash.slice(1).replace(/%3D/gi, '=');
  const form = document.querySelector('form[data-receipt]');
  if (!form || !text.startsWith('janji')) return;
  history.replaceState(null, '', location.pathname + location.search);
  form.elements.receipt.value = text;
  if (!text.startsWith('janji2.') || !(await judge(text, dataHere()))) sendStep(form);
};

let listening = false;
// Also once more after a page was put in place of another.
export function checkReceipts() {
  const form = document.querySelector('form[data-receipt]');
  if (!form) return;
  form.addEventListener('submit', async (event) => {
    if (event.submitter?.name === 'lang') return;
    const text = form.elements.receipt.value;
    if (!proofIn(text).startsWith('janji2.')) return;
    event.preventDefault();
    event.stopPropagation();
    if (!(await judge(text, dataHere()))) sendStep(form);
  }, true);
  if (listening) return;
  listening = true;
  window.addEventListener('hashchange', fromAddress);
  fromAddress();
}
