// Numbers that move: asked for every five seconds while they are looked at, grey and said to be old when they cannot be renewed. The
// texts are the server's. Pages without numbers ask for the state of the round in the same way.
const everyMs = 5000;
const spreadMs = 2000;
const mostMs = 60000;
const kinds = ['free', 'few', 'full', 'apart', 'closed', 'unknown', 'over'];
const leads = (kind) => ['free', 'few', 'unknown'].includes(kind);  // what is not known may be free

// Where the line on top may be of another round than the one that is shown to everybody, nothing is asked.
const stateAddress = () => {
  const other = /[?&]round=/.test(location.search) || location.pathname.startsWith('/my-booking/') || /^change/.test(document.body.dataset.page);
  return other || !document.getElementById('round-state') ? '' : `/numbers/home?people=1&lang=${document.documentElement.lang}`;
};

const showState = (told) => {
  const state = document.getElementById('round-state');
  if (!state || !told || (state.dataset.seconds && state.classList.contains(told.kind))) return;  // one that counts says it itself
  if (state.textContent === told.text) return;
  state.setAttribute('role', 'status');
  state.textContent = told.text;
  state.className = `state ${told.kind}`;
};

// A day or time that comes free is a link again, and one that is gone is none.
const switchLink = (number, kind) => {
  const holder = number.closest('.times li, .month td');
  const old = holder?.firstElementChild;
  if (!old || old.matches('a') === leads(kind)) return;
  const address = old.dataset.href ?? old.getAttribute('href');
  if (!address) return;
  const now = document.createElement(leads(kind) ? 'a' : 'span');
  now.dataset.href = address;
  if (leads(kind)) now.href = address;
  else if (holder.matches('td')) now.className = 'day';
  const focused = old.contains(document.activeElement);
  now.append(...old.childNodes);
  old.replaceWith(now);
  if (!focused) return;
  now.tabIndex = leads(kind) ? 0 : -1;
  now.focus();
};

const showNumber = (e, [text, kind]) => {
  e.textContent = text;
  for (const one of [e, e.closest('td, li')]) {
    if (one && kinds.some((k) => one.classList.contains(k))) {
      one.classList.remove(...kinds);
      one.classList.add(kind);
    }
  }
  switchLink(e, kind);
};

const showNumbers = (told) => {
  let any = false;
  document.querySelectorAll('[data-n]').forEach((e) => {
    const now = told[e.dataset.n];
    if (!now) return;
    any = any || leads(now[1]);
    showNumber(e, now);
  });
  if (any) document.querySelectorAll('[data-none]').forEach((e) => e.remove());
};

const showAge = (age, told) => {
  age.textContent = told.age;
  age.dataset.stale = told.stale;
};

const showStale = (age, yes) => {
  document.body.classList.toggle('stale-numbers', yes);
  age.classList.toggle('stale', yes);
  if (yes && age.dataset.stale) age.textContent = age.dataset.stale;
};

// Asks until it is stopped; `age` is none where only the state is asked for.
const poll = (address, age) => {
  let failed = 0;
  let etag = '';
  let old = age?.classList.contains('stale');
  let timer = 0;
  let notBefore = 0;  // the server's word
  let stopped = false;
  const later = (ms) => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(look, ms);
  };
  const next = () => Math.min(mostMs, everyMs * 2 ** Math.min(failed, 4)) + (Math.random() * 2 - 1) * spreadMs;
  const show = (told) => {
    showState(told.state);
    if (!age) return;
    showAge(age, told);
    showNumbers(told.n);
    old = told.old;
  };
  const look = async () => {
    if (document.hidden) return;
    let wait = 0;
    try {
      const response = await fetch(address, {headers: etag ? {'If-None-Match': etag} : {}, cache: 'no-store'});
      wait = 1000 * (Number(response.headers.get('Retry-After')) || 0);
      notBefore = performance.now() + wait;
      if (response.status === 200) {
        const told = await response.json();
        if (stopped) return;
        etag = response.headers.get('ETag') ?? '';
        show(told);
      } else if (response.status !== 304) {
        throw new Error(String(response.status));
      }
      failed = 0;
    } catch {
      failed += 1;
    }
    if (age && !stopped) showStale(age, failed === 0 ? old : failed >= 2);
    later(Math.max(wait, next()));
  };
  later(next());
  return {
    wake: () => later(Math.max(notBefore - performance.now(), 0) + Math.random() * 500),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
};

let polling;
let listening = false;
// Also once more after a page was put in place of another.
export function pollNumbers() {
  polling?.stop();
  polling = undefined;
  const age = document.getElementById('age');
  const address = age?.dataset.poll || stateAddress();
  if (address) polling = poll(address, age?.dataset.poll ? age : undefined);
  if (listening) return;
  listening = true;
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) polling?.wake();
  });
}
