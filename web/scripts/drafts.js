// What is typed survives a killed tab: kept in this browser only, for half an hour, and gone with the booking or when it is asked to be.
const lifetimeMs = 30 * 60 * 1000;
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
    });
  } finally {
    db.close();
  }
};

const fieldsOf = (form) => [...form.elements].filter((e) => /^p\d-/.test(e.name));

const typedInto = (form) => fieldsOf(form).some((e) => e.matches('input, textarea') && e.value.trim() !== '');

// The newest draft of as many people, whatever its place: another day keeps the form.
const restore = async (form) => {
  const fields = fieldsOf(form);
  const people = form.elements.people.value;
  if (typedInto(form)) return;
  const all = (await within('readonly', (s) => s.getAll())) ?? [];
  const usable = all.filter((d) => d.people === people && Date.now() - d.at < lifetimeMs).sort((a, b) => b.at - a.at);
  if (usable.length === 0) return;
  const kept = usable[0];
  for (const e of fields) if (kept.values[e.name] !== undefined && e.value.trim() === '') e.value = kept.values[e.name];
  for (const e of fields) if (e.matches('select') && kept.values[e.name]) e.value = kept.values[e.name];
  form.elements.draft.value = kept.id;
};

// One into which nothing was typed takes the place of none.
const keep = (form) => {
  const values = {};
  if (!typedInto(form)) return Promise.resolve();
  for (const e of fieldsOf(form)) values[e.name] = e.value;
  return within('readwrite', (s) => s.put({id: form.elements.draft.value, people: form.elements.people.value, at: Date.now(), values}));
};

export function forgetDrafts() {
  if (!window.indexedDB) return;
  within('readwrite', (s) => s.clear()).catch(() => {});
}

// Those whose time is over, whoever typed them.
const purge = async () => {
  const all = (await within('readonly', (s) => s.getAll())) ?? [];
  const over = all.filter((d) => Date.now() - d.at >= lifetimeMs);
  if (over.length > 0) await within('readwrite', (s) => over.map((d) => s.delete(d.id)).pop());
};

let forgets = false;
// Also once more after a page was put in place of another.
export function watchDrafts() {
  if (!forgets) {
    forgets = true;
    document.addEventListener('submit', (event) => {
      if (/\/(forget|start-again)$/.test(event.target.action)) forgetDrafts();
    });
    if (window.indexedDB) purge().catch(() => {});
  }
  const form = document.querySelector('form.details');
  if (!form || !window.indexedDB) return;
  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => keep(form).catch(() => {}), 300);
  };
  restore(form).catch(() => {});
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) restore(form).catch(() => {});
  });
  form.addEventListener('input', soon);
  form.addEventListener('change', soon);
  form.addEventListener('submit', () => keep(form).catch(() => {}));
  // What another program filled in tells nobody.
  window.addEventListener('pagehide', () => keep(form).catch(() => {}));
}
