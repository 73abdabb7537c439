// A press is acknowledged at once; its button stays shut until the answer, and after a failure for as long as the server says, counted
// down in the button. Presses that book or change go by fetch, so that a lost answer is a page of ours and not the browser's.
import {pageOf} from './policy.js';

const leastWaitS = 3;
const patienceMs = 20000;  // longer than the server's own deadline

const shut = (form, yes) => form.querySelectorAll('button').forEach((b) => {
  b.disabled = yes;
});

// Counts down in the button, then opens it.
const openLater = (form, seconds) => {
  const button = form.querySelector('button.main') ?? form.querySelector('button');
  const text = button.dataset.text ?? button.textContent;
  button.dataset.text = text;
  const until = performance.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    if (left <= 0) {
      button.textContent = text;
      delete form.dataset.sent;
      shut(form, false);
      return;
    }
    button.textContent = `${text} (${left})`;
    setTimeout(tick, 250);
  };
  tick();
};

const say = (form, text) => {
  let box = form.previousElementSibling;
  if (!box?.matches('.panel.wait[data-said]')) {
    box = document.createElement('div');
    box.className = 'panel wait';
    box.dataset.said = '';
    box.setAttribute('role', 'status');
    form.before(box);
  }
  const p = document.createElement('p');
  p.textContent = text;
  box.replaceChildren(p);
};

const show = (page, response) => {
  document.title = page.title;
  document.body.dataset.page = page.body.dataset.page;
  document.querySelector('main').replaceWith(document.importNode(page.querySelector('main'), true));
  const heading = document.querySelector('main h1');
  if (heading) {
    heading.tabIndex = -1;
    heading.focus();
  }
  pressable();
  const wait = Number(response.headers.get('Retry-After'));
  document.querySelectorAll('main form[data-resend]').forEach((f) => {
    shut(f, true);
    openLater(f, Math.max(leastWaitS, wait || 0));
  });
};

// With the same key, which books nothing twice; not beside a press that is under way.
const sendLater = (form, seconds, submitter) => setTimeout(() => {
  if (!document.contains(form) || form.dataset.sent === 'yes') return;
  form.dataset.sent = 'yes';
  send(form, submitter);
}, seconds * 1000);

// No word came: said, and asked again, less and less often.
const unheard = (form, submitter, words) => {
  say(form, `${words.noAnswer} ${words.unknown}`);
  openLater(form, leastWaitS);
  const tries = Number(form.dataset.tries) || 0;
  form.dataset.tries = tries + 1;
  sendLater(form, Math.min(30, (leastWaitS + 1) * 2 ** tries) + Math.random() * 2, submitter);
};

const send = async (form, submitter) => {
  const words = document.getElementById('said').dataset;
  const body = new URLSearchParams(new FormData(form));
  if (submitter?.name) body.append(submitter.name, submitter.value);
  shut(form, true);
  const patience = new AbortController();
  setTimeout(() => patience.abort(), patienceMs);
  let response, text;
  try {
    response = await fetch(submitter?.getAttribute('formaction') ?? form.action, {method: 'POST', body, signal: patience.signal});
    text = await response.text();
  } catch {
    unheard(form, submitter, words);
    return;
  }
  if (response.redirected) {
    location.replace(response.url);  // Back leads to the form, and not to a page that would have to be sent again
    return;
  }
  const page = pageOf(text);
  if (!page.querySelector('main')) {
    unheard(form, submitter, words);
    return;
  }
  show(page, response);
};

const live = 'form[data-book], form[data-resend]';

const onSubmit = (event) => {
  const form = event.target;
  if (form.dataset.sent === 'yes') {
    event.preventDefault();
    return;
  }
  const by = event.submitter;
  const leaves = by && (by.name === 'lang' || by.value === 'change');
  if (form.matches(live) && !leaves) {
    event.preventDefault();
    form.dataset.sent = 'yes';
    send(form, by);
    return;
  }
  if (form.method === 'post') {
    form.dataset.sent = 'yes';
    setTimeout(() => shut(form, true));  // after its button's value has gone into what is sent
  }
};

const reopen = () => document.querySelectorAll('form').forEach((form) => {
  delete form.dataset.sent;
  shut(form, false);
});

let listening = false;
// Also once more after a page was put in place of another.
export function pressable() {
  if (!listening) {
    listening = true;
    document.addEventListener('submit', onSubmit);
    window.addEventListener('pageshow', (event) => {
      if (event.persisted) reopen();
    });
  }
  const pending = document.querySelector('[data-pending]');
  const resend = document.querySelector('form[data-resend]');
  if (!pending || !resend) return;
  // Not before the server wants it, and before the page's own Refresh, which only looks and would begin the wait anew, for ever.
  const button = resend.querySelector('[data-shut]');
  const from = Math.max(leastWaitS, Number(button?.dataset.shut) || 0);
  const until = Math.max(from + 1, (Number(pending.dataset.after) || 0) - 0.5);
  sendLater(resend, from + Math.random() * (until - from));
}
