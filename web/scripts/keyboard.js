// The keyboard of a document's number: digits alone for an identity card; the others' numbers have letters. Without scripts it has all signs.
const fit = (input) => {
  const kind = input.form?.elements[input.name.replace('-number', '-kind')];
  input.inputMode = kind?.value === 'mykad' ? 'numeric' : 'text';
};
const numbers = 'form.details input[name$="-number"]';

export function fitKeyboards() {
  document.querySelectorAll(numbers).forEach(fit);
  document.addEventListener('change', (event) => {
    if (event.target.name?.endsWith('-kind')) event.target.form.querySelectorAll(numbers).forEach(fit);
  });
  document.addEventListener('focusin', (event) => {  // of a page that was put in place of another
    if (event.target.matches(numbers)) fit(event.target);
  });
}
