// Until the round opens: by the server's time, counted on a clock that nobody sets. At the end the page is asked for anew; the server opens
// the button. Where something is being typed, only the line that says the state of the round is.
import {pageOf} from './policy.js';

const stateLine = () => document.getElementById('round-state');

// The state of the round, in the page as it is now; the rest stays as it is.
const renew = async () => {
  try {
    const response = await fetch(location.href, {cache: 'no-store', credentials: 'same-origin'});
    const line = pageOf(await response.text()).getElementById('round-state');
    if (line && stateLine()) stateLine().replaceWith(document.importNode(line, true));
  } catch {
    // asked again by the next count
  }
  countDown();
};

const typedInto = () => document.querySelector('main form[method=post] input:not([type=hidden]), main form[method=post] textarea');

let counting = 0;
// Also once more after a page was put in place of another.
export function countDown() {
  const line = stateLine();
  clearTimeout(counting);
  if (!line?.dataset.seconds) return;
  const begin = performance.now();
  const seconds = Number(line.dataset.seconds);
  const shown = document.createElement('span');
  shown.className = 'n';
  shown.setAttribute('aria-hidden', 'true');
  line.append(' ', shown);
  const two = (n) => String(n).padStart(2, '0');
  const tick = () => {
    const left = Math.max(0, Math.ceil(seconds - (performance.now() - begin) / 1000));
    if (left === 0) {
      counting = setTimeout(() => (typedInto() ? renew() : location.reload()), Math.random() * 1500);
      return;
    }
    shown.textContent = left < 24 * 3600 ? `${left >= 3600 ? `${Math.floor(left / 3600)}:` : ''}${two(Math.floor(left / 60) % 60)}:${two(left % 60)}` : '';
    counting = setTimeout(tick, 250);
  };
  tick();
}

// A telephone that slept counts on from where it was: when it is looked at again the server is asked.
export function countAfterSleep() {
  let hiddenAt = 0;
  document.addEventListener('visibilitychange', () => {
    const away = document.hidden ? 0 : Date.now() - hiddenAt;
    hiddenAt = document.hidden ? Date.now() : 0;
    if (away > 5000 && stateLine()?.dataset.seconds) renew();
  });
}
