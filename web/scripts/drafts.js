// What is typed survives a killed tab: kept in this browser only, for half an hour, and gone with the booking or when it is asked to be.
import {endOf, isMark, markBooked, markForgotten, markGivenUp, markRefused} from './ended.js';
import {say, words} from './said.js';

const lifetimeMs = 30 * 60 * 1000;
const beatMs = 2000;
const store = 'drafts';

const open = () => new Promise((resolve, reject) => {
  const request = indexedDB.open('janji', 1);
  request.onupgradeneeded = () => request.result.createObjectStore(store, {keyPath: 'id'});
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const within = async (mode, use) => {
  const db = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = db.transaction(store, mode, {durability: 'strict'});
      const request = use(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = transaction.onerror;
    });
  } finally {
    db.close();
  }
};

const all = async () => (await within('readonly', (s) => s.getAll())) ?? [];

const formHere = () => document.querySelector('form.details');

const fieldsOf = (form) => [...form.elements].filter((e) => /^p\d-/.test(e.name));

const typedInto = (form) => fieldsOf(form).some((e) => e.matches('input, textarea') && e.value.trim() !== '');

let others = {};  // of the draft that was restored: people for whom this form has no fields
let written = '';

// Back may make the page anew, with another id, and the browser fills it in: the entry of the tab's history says which form it was.
const note = (form, since) => history.replaceState({...history.state, draft: form.elements.draft.value, since}, '');

const endOfForm = (form) => {
  const {draft, since = Date.now()} = history.state ?? {};
  return endOf(form.elements.draft.value, since) || endOf(draft, since);
};

// The newest draft, whatever its place: another day keeps the form, and so does another number of people.
const restore = async (form) => {
  if (typedInto(form)) return;
  const usable = (await all()).filter((d) => Date.now() - d.at < lifetimeMs && !endOf(d.id, d.at)).sort((a, b) => b.at - a.at);
  if (usable.length === 0 || typedInto(form)) return;
  const kept = usable[0];
  others = kept.values;
  for (const e of fieldsOf(form)) if (kept.values[e.name] !== undefined && (e.matches('select') || e.value.trim() === '')) e.value = kept.values[e.name];
  form.elements.draft.value = kept.id;
  note(form, history.state?.since);
};

// One into which nothing was typed takes the place of none; one that has ended is kept no more, whoever fills it in.
const keep = async (onlyChanged) => {
  const form = formHere();
  if (!form || !typedInto(form) || endOfForm(form)) return;
  const values = {...others};
  for (const e of fieldsOf(form)) values[e.name] = e.value;
  const id = form.elements.draft.value;
  const since = history.state?.since;
  const now = JSON.stringify([id, values]);
  if (onlyChanged && now === written) return;
  written = now;
  // A page that was put aside meanwhile goes on here when Back brings it: perhaps after the end.
  await within('readwrite', (s) => (endOf(id, since) ? s.delete(id) : s.put({id, at: Date.now(), values}))).catch(() => {
    written = '';
  });
};

const forgetDrafts = () => within('readwrite', (s) => s.clear()).catch(() => {});

// Those whose time is over, whoever typed them.
const purge = async () => {
  const over = (await all()).filter((d) => Date.now() - d.at >= lifetimeMs);
  if (over.length > 0) await within('readwrite', (s) => over.map((d) => s.delete(d.id)).pop());
};

const newId = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)))).replace(/\+/g, '-').replace(/\//g, '_').slice(0, 22);

const empty = (form) => {
  for (const e of fieldsOf(form)) {
    if (e.matches('select')) e.selectedIndex = 0;
    else e.value = e.defaultValue = '';
  }
};

let emptied;  // before the page was whole: the browser fills in some fields only then

// One that has ended goes on as a new one.
const lookAtForm = (form) => {
  const end = endOfForm(form);
  if (!end) return note(form, history.state?.since ?? Date.now());
  empty(form);
  emptied = form;
  form.elements.draft.value = newId();
  others = {};
  note(form, Date.now());
  if (end === 'booked') say(form, words().booked, {href: '/my-booking', text: words().mine});
};

const loadedAt = Date.now();

const draftHere = () => document.querySelector('main [name=draft]')?.value;

// A page that came from memory: of a form that has ended, or from before this browser forgot.
const leaveEnded = (draft) => {
  if (document.body.dataset.page !== 'forgotten' && endOf(draft, loadedAt)) location.replace(location.pathname + location.search);
};

const onSubmit = (event) => {
  const form = event.target;
  if (/\/forget$/.test(form.action)) markForgotten();
  else if (/\/start-again$/.test(form.action)) markGivenUp(draftHere());
  else return form === formHere() ? keep() : undefined;
  return forgetDrafts();
};

const listen = () => {
  let waiting = 0;
  const soon = (event) => {
    if (!event.target.form || event.target.form !== formHere()) return;
    clearTimeout(waiting);
    waiting = setTimeout(keep, 300);
  };
  document.addEventListener('submit', onSubmit);
  document.addEventListener('input', soon);
  document.addEventListener('change', soon);
  // What another program filled in tells nobody.
  setInterval(() => {
    if (!document.hidden) keep(true);
  }, beatMs);
  window.addEventListener('pagehide', () => keep());
  window.addEventListener('pageshow', (event) => {
    const form = formHere();
    if (form && form === emptied && !event.persisted) empty(form);
    else if (form) lookAtForm(form);
    if (!event.persisted) return;
    if (form) restore(form).catch(() => {});
    else leaveEnded(draftHere());
  });
  window.addEventListener('storage', (event) => {
    if (!isMark(event)) return;
    written = '';  // its draft may be gone with the others
    const form = formHere();
    if (form) lookAtForm(form);
    else leaveEnded('');  // a check page of a form that was booked elsewhere says so itself when it is pressed
  });
};

let listening = false;
// Also once more after a page was put in place of another.
export function watchDrafts() {
  if (!listening) {
    listening = true;
    listen();
    purge().catch(() => {});
  }
  const form = formHere();
  if (!form) return;
  others = {};
  lookAtForm(form);
  restore(form).catch(() => {});
}

// A page that says how a form ended.
export function endDrafts() {
  const {page} = document.body.dataset;
  const forgotten = page === 'forgotten';
  const booked = document.querySelector('.booking.confirmed') && !document.querySelector('[data-unsent]');
  if (page === 'refused') markRefused(draftHere());
  if (forgotten) markForgotten();
  if (booked) markBooked();
  if (forgotten || booked) forgetDrafts();
}
