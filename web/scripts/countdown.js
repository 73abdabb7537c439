// Until the round opens: by the server's time, counted on a clock that nobody sets. At the end the page is asked for anew; the server opens
// the button.
export function countDown() {
  const line = document.querySelector('[data-seconds]');
  if (!line) return;
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
      setTimeout(() => location.reload(), Math.random() * 1500);
      return;
    }
    shown.textContent = left < 24 * 3600 ? `${left >= 3600 ? `${Math.floor(left / 3600)}:` : ''}${two(Math.floor(left / 60) % 60)}:${two(left % 60)}` : '';
    setTimeout(tick, 250);
  };
  tick();
}
