// Makes the pages live. Every page works without it; nothing here formats a date or decides what a booking is.
import {watchDrafts, forgetDrafts} from './drafts.js';
import {pressable} from './press.js';
import {pollNumbers} from './numbers.js';
import {countDown, countAfterSleep} from './countdown.js';
import {checkReceipts} from './receipt.js';
import {sortByDistance} from './distance.js';

const each = (selector, use) => document.querySelectorAll(selector).forEach(use);

const attempt = (what) => {
  try {
    what();
  } catch (e) {
    console.warn('janji', String(e));  // the page goes on as plain HTML
  }
};

attempt(() => each('[data-print]', (b) => {
  b.hidden = false;
  b.addEventListener('click', () => window.print());
}));
attempt(pressable);
attempt(watchDrafts);
attempt(pollNumbers);
attempt(countDown);
attempt(countAfterSleep);
attempt(checkReceipts);
attempt(sortByDistance);
attempt(() => {
  if (document.querySelector('.booking.confirmed') || document.body.dataset.page === 'forgotten') forgetDrafts();
});
attempt(() => document.getElementById('errors')?.focus());
