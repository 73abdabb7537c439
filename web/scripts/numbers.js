// Numbers that move: asked for every five seconds while they are looked at, grey and said to be old when they cannot be renewed. The
// texts are the server's.
const everyMs = 5000;
const spreadMs = 2000;
const mostMs = 60000;

export function pollNumbers() {
  const age = document.getElementById('age');
  if (!age?.dataset.poll) return;
  let failed = 0;
  let etag = '';
  let old = age.classList.contains('stale');
  let timer = 0;
  const later = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(look, ms);
  };
  const next = () => Math.min(mostMs, everyMs * 2 ** Math.min(failed, 4)) + (Math.random() * 2 - 1) * spreadMs;
  const show = (told) => {
    age.textContent = told.age;
    age.dataset.stale = told.stale;
    const state = document.getElementById('round-state');
    if (state && told.state && !(state.dataset.seconds && state.classList.contains(told.state.kind))) {  // one that counts says it itself
      state.textContent = told.state.text;
      state.className = `state ${told.state.kind}`;
    }
    document.querySelectorAll('[data-n]').forEach((e) => {
      const now = told.n[e.dataset.n];
      if (!now) return;
      e.textContent = now[0];
      const holder = e.closest('td, li');
      const kinds = ['free', 'few', 'full', 'apart', 'closed', 'unknown', 'over'];
      for (const one of [e, holder]) {
        if (one && kinds.some((k) => one.classList.contains(k))) {
          one.classList.remove(...kinds);
          one.classList.add(now[1]);
        }
      }
    });
  };
  const stale = (yes) => {
    document.body.classList.toggle('stale-numbers', yes);
    age.classList.toggle('stale', yes);
    if (yes && age.dataset.stale) age.textContent = age.dataset.stale;
  };
  const look = async () => {
    if (document.hidden) return;
    let wait = 0;
    try {
      const response = await fetch(age.dataset.poll, {headers: etag ? {'If-None-Match': etag} : {}, cache: 'no-store'});
      wait = 1000 * (Number(response.headers.get('Retry-After')) || 0);
      if (response.status === 200) {
        etag = response.headers.get('ETag') ?? '';
        const told = await response.json();
        show(told);
        old = told.old;
      } else if (response.status !== 304) {
        throw new Error(String(response.status));
      }
      failed = 0;
      stale(old);
    } catch {
      failed += 1;
      stale(failed >= 2);
    }
    later(Math.max(wait, next()));
  };
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) later(Math.random() * 500);
  });
  later(next());
}
