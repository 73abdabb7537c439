// Centres by their distance from the reader, computed here: coordinates never leave the browser.
const earthKm = 6371;
const rad = (degrees) => (degrees * Math.PI) / 180;
const km = (a, b) => {
  const h = Math.sin(rad(b[0] - a[0]) / 2) ** 2 + Math.cos(rad(a[0])) * Math.cos(rad(b[0])) * Math.sin(rad(b[1] - a[1]) / 2) ** 2;
  return 2 * earthKm * Math.asin(Math.sqrt(h));
};

export function sortByDistance() {
  const button = document.querySelector('[data-geo]');
  const lists = document.querySelectorAll('[data-sortable]');
  if (!button || lists.length === 0 || !navigator.geolocation || !window.isSecureContext) return;
  button.parentElement.hidden = false;
  button.addEventListener('click', () => {
    button.disabled = true;
    navigator.geolocation.getCurrentPosition((position) => {
      const here = [position.coords.latitude, position.coords.longitude];
      lists.forEach((list) => {
        const items = [...list.children].map((li) => ({li, far: li.dataset.at ? km(here, li.dataset.at.split(',').map(Number)) : Infinity}));
        items.sort((a, b) => a.far - b.far);
        for (const {li, far} of items) {
          if (far !== Infinity) {
            const text = li.querySelector('.km') ?? li.appendChild(document.createElement('span'));
            text.className = 'km next';
            text.textContent = `${Math.round(far)} km`;
          }
          list.append(li);
        }
      });
      button.disabled = false;
      document.querySelectorAll('.map').forEach((map) => map.remove());  // its numbers are those of the list as it was
    }, () => {
      button.parentElement.hidden = true;
    }, {maximumAge: 600000, timeout: 10000});
  });
}
