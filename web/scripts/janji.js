// Makes the pages live. Every page works without it; nothing here decides what a booking is.
import {watchDrafts, endDrafts} from './drafts.js';
import {pressable, whenShown} from './press.js';
import {pollNumbers} from './numbers.js';
import {countDown, countAfterSleep} from './countdown.js';
import {checkReceipts} from './receipt.js';
import {sortByDistance} from './distance.js';
import {fitKeyboards} from './keyboard.js';

const printable = () => document.querySelectorAll('[data-print]').forEach((b) => {
  b.hidden = false;
  b.addEventListener('click', () => window.print());
});

const focusErrors = () => document.getElementById('errors')?.focus();

// Also once more after a page was put in place of another.
const start = () => {
  for (const what of [printable, pressable, watchDrafts, pollNumbers, countDown, checkReceipts, sortByDistance, endDrafts, focusErrors]) {
    try {
      what();
    } catch (e) {
      console.warn('janji', String(e));  // the page goes on as plain HTML
    }
  }
};

countAfterSleep();
fitKeyboards();
whenShown(start);
start();
