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

// The newest draft of as many people, whatever its place: another day keeps the form.
const restore = async (form) => {
  const fields = fieldsOf(form);
  const people = form.elements.people.value;
  if (fields.some((e) => e.matches('input, textarea') && e.value.trim() !== '')) return;
  const all = (await within('readonly', (s) => s.getAll())) ?? [];
  const usable = all.filter((d) => d.people === people && Date.now() - d.at < lifetimeMs).sort((a, b) => b.at - a.at);
  if (usable.length === 0) return;
  const kept = usable[0];
  for (const e of fields) if (kept.values[e.name] !== undefined && e.value.trim() === '') e.value = kept.values[e.name];
  for (const e of fields) if (e.matches('select') && kept.values[e.name]) e.value = kept.values[e.name];
  form.elements.draft.value = kept.id;
};

const keep = (form) => {
  const values = {};
  for (const e of fieldsOf(form)) values[e.name] = e.value;
  return within('readwrite', (s) => s.put({id: form.elements.draft.value, people: form.elements.people.value, at: Date.now(), values}));
};

export function forgetDrafts() {
  if (!window.indexedDB) return;
  within('readwrite', (s) => s.clear()).catch(() => {});
}

export function watchDrafts() {
  document.addEventListener('submit', (event) => {
    if (/\/(forget|start-again)$/.test(event.target.action)) forgetDrafts();
  });
  const form = document.querySelector('form.details');
  if (!form || !window.indexedDB) return;
  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => keep(form).catch(() => {}), 300);
  };
  restore(form).catch(() => {});
  form.addEventListener('input', soon);
  form.addEventListener('change', soon);
  form.addEventListener('submit', () => keep(form).catch(() => {}));
  // What another program filled in tells nobody.
  window.addEventListener('pagehide', () => keep(form).catch(() => {}));
}
