// What the script says in words, in place: above what it is about.
export const say = (where, text, link) => {
  let box = where.previousElementSibling;
  if (!box?.matches('.panel.wait[data-said]')) {
    box = document.createElement('div');
    box.className = 'panel wait';
    box.dataset.said = '';
    box.setAttribute('role', 'status');
    where.before(box);
  }
  box.textContent = '';
  const p = document.createElement('p');
  p.textContent = text;
  box.append(p);
  if (!link) return;
  const way = document.createElement('p');
  const a = document.createElement('a');
  a.href = link.href;
  a.textContent = link.text;
  way.append(a);
  box.append(way);
};

export const words = () => document.getElementById('said').dataset;
