// Which forms have ended: those that were booked or given up, by their random ids, and when this browser was told to forget. Nothing
// personal. Back shows a form as it was left, and a page from memory would write its draft again: both look here first.
const key = 'janji';
const idsMax = 20;

const read = () => {
  const none = {pressed: [], booked: [], dropped: [], forgotten: 0};
  try {
    return {...none, ...JSON.parse(localStorage.getItem(key))};
  } catch {
    return none;  // kept by nobody here
  }
};

const change = (use) => {
  const marks = read();
  use(marks);
  for (const list of [marks.pressed, marks.booked, marks.dropped]) list.splice(0, list.length - idsMax);
  try {
    localStorage.setItem(key, JSON.stringify(marks));
  } catch {
    // as above
  }
};

const without = (list, id) => list.filter((one) => one !== id);

export const isMark = (event) => event.key === key;

// Sent to be booked: how it ended is said by a later page.
export const markPressed = (id) => change((m) => {
  m.pressed = [...without(m.pressed, id), id];
});
export const markRefused = (id) => change((m) => {
  m.pressed = without(m.pressed, id);
});
export const markBooked = () => change((m) => {
  m.booked.push(...m.pressed);
  m.pressed = [];
});
export const markGivenUp = (id) => change((m) => {
  m.dropped.push(...m.pressed, ...(id ? [id] : []));
  m.pressed = [];
});
export const markForgotten = () => change((m) => {
  m.pressed = [];
  m.forgotten = Date.now();
});

// '': not that anybody here knows. `since`: when the form was begun.
export const endOf = (id, since) => {
  const marks = read();
  if (since <= marks.forgotten && marks.forgotten <= Date.now()) return 'forgotten';  // not by a clock that was put right since
  if (marks.booked.includes(id)) return 'booked';
  return marks.dropped.includes(id) ? 'dropped' : '';
};
