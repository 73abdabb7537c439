// A press is acknowledged at once; its button stays shut until the answer, and after a failure for as long as the server says, counted
// down in the button. Presses that book or change go by fetch, so that a lost answer is a page of ours and not the browser's.
import {markPressed, markRefused} from './ended.js';
import {pageOf} from './policy.js';
import {say, words} from './said.js';

const leastWaitS = 3;
const patienceMs = 20000;  // longer than the server's own deadline

const shut = (form, yes) => form.querySelectorAll('button').forEach((b) => {
  b.disabled = yes;
});

const reopen = (form) => {
  delete form.dataset.sent;
  shut(form, false);
};

// Where it was stopped on its way.
const reopenAtLast = (form) => setTimeout(() => reopen(form), patienceMs);

// Counts down in the button, then opens it.
const openLater = (form, seconds) => {
  const button = form.querySelector('button.main') ?? form.querySelector('button');
  const text = button.dataset.text ?? button.textContent;
  button.dataset.text = text;
  const until = performance.now() + seconds * 1000;
  const tick = () => {
    if (form.dataset.sent === 'yes' && form.dataset.waits !== 'yes') return;  // sent again meanwhile
    const left = Math.ceil((until - performance.now()) / 1000);
    if (left <= 0) {
      button.textContent = text;
      delete form.dataset.waits;
      reopen(form);
      return;
    }
    button.textContent = `${text} (${left})`;
    setTimeout(tick, 250);
  };
  form.dataset.waits = 'yes';
  shut(form, true);
  tick();
};

let shown = () => {};
// What is done with each page that is put in place of another.
export const whenShown = (use) => {
  shown = use;
};

const show = (page, response) => {
  document.title = page.title;
  document.documentElement.lang = page.documentElement.lang;
  document.body.dataset.page = page.body.dataset.page;
  // Of a data block no text may be set here (Trusted Types): the one that stands stays, which says the same.
  const blocks = document.querySelectorAll('main script');
  page.querySelectorAll('main script').forEach((e) => e.remove());
  for (const part of ['header', 'main', 'footer']) document.querySelector(part)?.replaceWith(document.importNode(page.querySelector(part), true));
  document.querySelector('main').append(...blocks);
  const first = document.querySelector('#errors') ?? document.querySelector('main h1');
  if (first) {
    first.tabIndex = -1;
    first.focus();
  }
  shown();
  const [seconds, address] = (response.headers.get('Refresh') ?? '').split('; url=');
  if (address) setTimeout(() => location.assign(address), Number(seconds) * 1000);
};

// With the same key, which books nothing twice; not beside a press that is under way.
const sendLater = (form, seconds, submitter) => setTimeout(() => {
  if (!document.contains(form) || (form.dataset.sent === 'yes' && form.dataset.waits !== 'yes')) return;
  delete form.dataset.waits;
  form.dataset.sent = 'yes';
  send(form, submitter);
}, seconds * 1000);

// No word came: said, and asked again, less and less often.
const unheard = (form, submitter) => {
  say(form, `${words().noAnswer} ${form.dataset.unknown ?? words().unknown}`);
  delete form.dataset.sent;
  openLater(form, leastWaitS);
  const tries = Number(form.dataset.tries) || 0;
  form.dataset.tries = tries + 1;
  sendLater(form, Math.min(30, (leastWaitS + 1) * 2 ** tries) + Math.random() * 2, submitter);
};

// Which says nothing of a press that came before.
const isBusy = (response) => response.status === 429 || response.status >= 500;

const bodyOf = (form, submitter) => {
  const body = new URLSearchParams(new FormData(form));
  if (submitter?.name) body.append(submitter.name, submitter.value);
  return body;
};

// What came back; nothing: no word came.
const post = async (form, submitter, redirect) => {
  const action = submitter?.getAttribute('formaction') ?? form.getAttribute('action');
  const body = bodyOf(form, submitter);
  shut(form, true);
  const patience = window.AbortController ? new AbortController() : undefined;
  const timer = setTimeout(() => patience?.abort(), patienceMs);
  try {
    const response = await fetch(action, {method: 'POST', body, redirect, credentials: 'same-origin', signal: patience?.signal});
    return {response, text: response.redirected ? '' : await response.text()};
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
};

const send = async (form, submitter) => {
  const draft = form.elements.draft?.value;
  const answer = await post(form, submitter, 'manual');
  if (answer?.response.type === 'opaqueredirect') {  // done, or not known yet: both are shown there
    location.replace('/my-booking');  // Back leads to the form, and not to a page that would have to be sent again
    return;
  }
  const page = answer && pageOf(answer.text);
  if (!page?.querySelector('main')) {
    unheard(form, submitter);
    return;
  }
  if (draft && !isBusy(answer.response) && !/^(pending|my-booking)$/.test(page.body.dataset.page)) markRefused(draft);
  show(page, answer.response);
};

const sayAtButton = (form, text, seconds) => {
  say(form.querySelector('button.main'), text);
  delete form.dataset.sent;
  openLater(form, seconds);
};

const submitItself = (form, submitter) => {
  const kept = document.createElement('input');  // what was pressed is not among what a form sends by itself
  kept.type = 'hidden';
  kept.name = submitter?.name ?? '';
  kept.value = submitter?.value ?? '';
  form.append(kept);
  form.submit();
  kept.remove();  // Back shows the form as it was
};

// A step that books and changes nothing. Where its answer leads the browser goes by itself, so that address, Back and cookies are those of a
// page without scripts; wrong fields are shown in place, and a lost answer is said beside the button.
export const sendStep = async (form, submitter) => {
  form.dataset.sent = 'yes';
  const answer = await post(form, submitter, 'follow');
  if (!answer) {
    sayAtButton(form, `${words().noAnswer} ${form.dataset.step}`, leastWaitS);
    return;
  }
  const {response, text} = answer;
  const page = pageOf(text);
  if (response.redirected) {
    location.assign(response.url);
    reopenAtLast(form);
  } else if (page.body.dataset.page === document.body.dataset.page) {
    show(page, response);
  } else if (isBusy(response)) {
    const said = page.querySelector('main .lead') ?? page.querySelector('main p');
    sayAtButton(form, said?.textContent ?? `${words().noAnswer} ${form.dataset.step}`, Math.max(leastWaitS, Number(response.headers.get('Retry-After')) || 0));
  } else {
    submitItself(form, submitter);  // a page of its own, to which Back leads: asked for by the browser
    reopenAtLast(form);
  }
};

const live = 'form[data-book], form[data-resend]';

let pressed;  // browsers of before 2021 do not say which button it was
const buttonOf = (event) => {
  const form = event.target;
  if (event.submitter) return event.submitter;
  return pressed?.form === form ? pressed : form.querySelector('button');
};

// Not one that only looks, or only goes on.
const books = (form, by) => form.elements.draft && by?.value !== 'look' &&
  (by?.value === 'book' || form.querySelector('input[name="go"]')?.value === 'book' || form.matches('form[data-resend]'));

const onSubmit = (event) => {
  const form = event.target;
  const by = buttonOf(event);
  pressed = undefined;
  if (form.dataset.sent === 'yes' || form.dataset.waits === 'yes') {
    event.preventDefault();
    return;
  }
  const leaves = by && (by.name === 'lang' || by.value === 'change');
  if (!leaves && books(form, by)) markPressed(form.elements.draft.value);
  if (form.matches(live) && !leaves) {
    event.preventDefault();
    form.dataset.sent = 'yes';
    send(form, by);
    return;
  }
  if (form.matches('form[data-step]') && by?.name !== 'lang') {  // another language is another page, all of it
    event.preventDefault();
    sendStep(form, by);
    return;
  }
  if (form.method === 'post') {
    form.dataset.sent = 'yes';
    setTimeout(() => shut(form, true));  // after its button's value has gone into what is sent
    reopenAtLast(form);
  }
};

let listening = false;
// Also once more after a page was put in place of another.
export function pressable() {
  if (!listening) {
    listening = true;
    document.addEventListener('click', (event) => {
      pressed = event.target.closest?.('button') ?? undefined;
    }, true);
    document.addEventListener('submit', onSubmit);
    window.addEventListener('pageshow', (event) => {
      if (event.persisted) document.querySelectorAll('form').forEach(reopen);
    });
  }
  const pending = document.querySelector('[data-pending]');
  const resend = document.querySelector('form[data-resend]');
  if (!pending || !resend) return;
  // Not before the server wants it, and before the page's own Refresh, which only looks and would begin the wait anew, for ever.
  const from = Math.max(leastWaitS, Number(resend.querySelector('[data-shut]')?.dataset.shut) || 0);
  const until = Math.max(from + 1, (Number(pending.dataset.after) || 0) - 0.5);
  openLater(resend, from);
  sendLater(resend, from + Math.random() * (until - from));
}
